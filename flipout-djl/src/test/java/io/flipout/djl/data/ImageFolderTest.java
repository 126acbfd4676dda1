package io.flipout.djl.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.training.dataset.Dataset.Usage;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders as they are found on real disks. */
class ImageFolderTest {

    @TempDir private Path root;

    private final List<String> notes = new ArrayList<>();

    @BeforeEach
    void writeFolders() throws IOException {
        for (String split : List.of("train", "val")) {
            for (String name : List.of("apple", "pear")) {
                write(split + "/" + name + "/0.png");
            }
        }
    }

    private Path write(String path) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        ImageIO.write(new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB), "png", file.toFile());
        return file;
    }

    private Path touch(String path) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, "something");
    }

    private ImageSet load(Usage usage) throws IOException {
        return DataSets.FOLDER.load(root, usage, 4, notes::add);
    }

    private void assertRefused(String... words) {
        assertThatThrownBy(() -> load(Usage.TRAIN))
                .isInstanceOf(DataException.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(words));
    }

    @Test
    void aCleanFolderIsNothingToTellOf() throws IOException {
        assertThat(load(Usage.TRAIN).classes()).containsExactly("apple", "pear");
        assertThat(load(Usage.TEST).size()).isEqualTo(2);
        assertThat(notes).isEmpty();
    }

    @Test
    void whatIsHiddenIsPassedOverAndTold() throws IOException {
        Files.createDirectories(root.resolve("train/.ipynb_checkpoints"));
        write("train/.cache/0.png");
        touch("train/apple/._0.png"); // As macOS leaves them on other disks.
        touch("train/apple/.DS_Store");
        ImageSet set = load(Usage.TRAIN);
        assertThat(set.classes()).containsExactly("apple", "pear");
        assertThat(set.size()).isEqualTo(2);
        assertThat(notes)
                .containsExactly(
                        "Passed over in "
                                + root.resolve("train")
                                + ": 4 hidden (.cache, .ipynb_checkpoints, apple/.DS_Store, ...).");
    }

    @Test
    void otherFormatsFoldersInClassesAndFilesOutsideArePassedOverAndTold() throws IOException {
        for (int i = 0; i < 4; i++) {
            touch("train/apple/" + i + ".webp");
            write("train/apple/2021/" + i + ".png");
        }
        Files.createDirectories(root.resolve("train/apple/x.jpg"));
        write("train/7.png");
        assertThat(load(Usage.TRAIN).size()).isEqualTo(2);
        assertThat(notes)
                .containsExactly(
                        "Passed over in "
                                + root.resolve("train")
                                + ": 1 in no folder of a class (7.png); 4 of other kinds than .jpg,"
                                + " .jpeg and .png (apple/0.webp, apple/1.webp, apple/2.webp, ...);"
                                + " 2 folders within classes (apple/2021, apple/x.jpg).");
    }

    @Test
    void aClassWithoutImagesIsRefusedWithWhatItHasInstead() throws IOException {
        Files.createDirectories(root.resolve("train/zucchini"));
        assertRefused("The class " + root.resolve("train/zucchini") + " has no images");
        touch("train/zucchini/0.webp");
        write("train/zucchini/big/0.png");
        assertRefused(
                "only 1 of other kinds than .jpg, .jpeg and .png (0.webp); 1 folders within"
                        + " classes (big)");
    }

    @Test
    void theTestImagesMayLackAClass() throws IOException {
        Files.delete(root.resolve("val/apple/0.png"));
        Files.createDirectories(root.resolve("val/olive"));
        ImageSet test = load(Usage.TEST);
        assertThat(test.classes()).containsExactly("apple", "pear");
        assertThat(test.label(0)).isEqualTo(1);
        assertThat(notes)
                .containsExactly(
                        "Passed over in "
                                + root.resolve("val")
                                + ": 2 classes without images (apple, olive).");
    }

    /** Enough to score a network that knows its classes. */
    @Test
    void testImagesMayBeAlone() throws IOException {
        Files.move(root.resolve("train"), root.resolve("elsewhere"));
        assertThat(load(Usage.TEST).classes()).containsExactly("apple", "pear");
        assertRefused("There is no folder " + root.resolve("train"));
    }

    @Test
    void linksThatLeadToNothingAreCalledThat() throws IOException {
        Path link = root.resolve("train/apple/broken.png");
        Files.createSymbolicLink(link, Path.of("nowhere.png"));
        assertRefused(link + " is a link that leads to nothing");
        Files.delete(link);
        Path loop = root.resolve("train/loop");
        Files.createSymbolicLink(loop, Path.of("loop"));
        assertRefused(loop + " is a link that leads to nothing");
    }

    @Test
    void linksToFoldersAndFilesAreFollowed() throws IOException {
        Path elsewhere = write("elsewhere/0.png");
        Files.createSymbolicLink(root.resolve("train/fig"), Path.of("../elsewhere"));
        Files.createSymbolicLink(root.resolve("train/apple/1.png"), elsewhere);
        ImageSet set = load(Usage.TRAIN);
        assertThat(set.classes()).containsExactly("apple", "fig", "pear");
        assertThat(set.size()).isEqualTo(4);
    }

    /** It would be read for ever. */
    @Test
    void aPipeIsNoFile() throws Exception {
        Path pipe = root.resolve("train/apple/pipe.png");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        assertRefused(pipe + " is no file");
    }

    @Test
    void namesThatWouldBreakListsAreRefused() throws IOException {
        write("train/ap\nple/0.png");
        assertRefused("'" + root.resolve("train") + "/ap?ple' has a line break");
    }

    /** Names are bytes: these are of Latin-1, in which Java cannot write them down. */
    @Test
    void aNameInAnotherEncodingDoesNotHideAFileAndIsNoClass() throws Exception {
        shell("cp train/apple/0.png \"train/apple/$(printf 'caf\\351').png\"");
        assertThat(load(Usage.TRAIN).size()).isEqualTo(3);
        shell("cp -r train/apple \"train/$(printf 'caf\\351')\"");
        assertRefused("The name of the class " + root.resolve("train"), "is no text");
    }

    private void shell(String command) throws Exception {
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", command).directory(root.toFile());
        assertThat(builder.start().waitFor()).isZero();
    }

    /** An é may be one character or an e and its accent, as macOS writes it. */
    @Test
    void twoSpellingsOfANameAreOne() throws IOException {
        Assumptions.assumeTrue(System.getProperty("sun.jnu.encoding").equals("UTF-8"));
        write("train/pur\u00e9e/0.png");
        write("val/pure\u0301e/0.png");
        assertThat(load(Usage.TRAIN).classes()).containsExactly("apple", "pear", "pur\u00e9e");
        assertThat(load(Usage.TEST).size()).isEqualTo(3);
        write("train/pure\u0301e/0.png");
        assertRefused("are one name in two spellings of Unicode");
    }
}
