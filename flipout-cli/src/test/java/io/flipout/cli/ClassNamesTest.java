package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.djl.torchscript.TorchScriptFile;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Classes are names: where they stand in a folder, and beside which others, does not matter. */
class ClassNamesTest {

    private static final List<String> FRUIT = List.of("apple", "pear", "zebra");

    @TempDir private Path folder;
    private Path data;
    private Path run;

    @BeforeEach
    void writeData() throws IOException {
        data = folder.resolve("data");
        run = folder.resolve("run");
        for (String name : FRUIT) {
            write(data, name, FRUIT.indexOf(name));
        }
    }

    /** Images of one colour for each class. */
    private static void write(Path data, String name, int colour) throws IOException {
        for (int i = 0; i < 6; i++) {
            write(data.resolve("train/" + name + "/" + i + ".png"), colour, i);
            write(data.resolve("val/" + name + "/" + i + ".png"), colour, i + 6);
        }
    }

    private static void write(Path file, int colour, int shade) throws IOException {
        Files.createDirectories(file.getParent());
        BufferedImage image = new BufferedImage(4, 4, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 16; i++) {
            image.setRGB(i % 4, i / 4, 0xff >> shade % 3 << 8 * colour);
        }
        ImageIO.write(image, "png", file.toFile());
    }

    private Shell train(Object... more) {
        List<Object> words = new ArrayList<>(List.of("train", "--dataset", "folder"));
        words.addAll(List.of("--data", data, "--image-size", 4, "--device", "cpu"));
        words.addAll(List.of("--method", "none", "--batch-size", 6, "--lr", 0.05, "--out", run));
        words.addAll(List.of(more));
        return Shell.run(words);
    }

    private void trained() {
        Shell shell = train("--epochs", 8);
        assertThat(shell.err()).isEmpty();
        assertThat(shell.out()).contains("Test accuracy 100.00 %");
    }

    private static Shell evaluate(Path model, Path data) {
        return Shell.run(
                "evaluate",
                model,
                "--dataset",
                "folder",
                "--data",
                data,
                "--device",
                "cpu",
                "--image-size",
                4);
    }

    private Path other(String... names) throws IOException {
        Path other = folder.resolve(String.join("-", names));
        for (String name : names) {
            write(other, name, Math.max(0, FRUIT.indexOf(name)));
        }
        return other;
    }

    @Test
    void aRunIsEvaluatedOnSomeOfItsClasses() throws IOException {
        trained();
        for (Path some : List.of(data, other("pear", "zebra"), other("zebra"))) {
            Shell shell = evaluate(run, some);
            assertThat(shell.err()).isEmpty();
            assertThat(shell.out()).contains("accuracy 100.00 %");
        }
    }

    @Test
    void aClassThatTheNetworkDoesNotKnowIsNamed() throws IOException {
        trained();
        Shell shell = evaluate(run, other("apple", "mango", "pear", "zebra"));
        assertThat(shell.err())
                .isEqualTo(
                        "flipout: The network does not know the class 'mango' of the images, only"
                                + " 'apple', 'pear', 'zebra': classes are matched by their names."
                                + System.lineSeparator());
        assertThat(shell.status()).isEqualTo(2);
    }

    @Test
    void exportedNamesCountWherePositionsWould() throws IOException {
        trained();
        Path script = folder.resolve("fruit.pt");
        assertThat(Shell.run("export", run, "--out", script).status()).isZero();
        Path some = other("pear", "zebra");
        assertThat(evaluate(script, some).out()).contains("accuracy 100.00 %");

        Path again = folder.resolve("again");
        data = some;
        Shell shell = train("--model", script, "--epochs", 1, "--lr", 1e-6, "--out", again);
        assertThat(shell.out()).as(shell.err()).contains("Test accuracy 100.00 %");
        assertThat(again.resolve("model/synset.txt")).hasContent("apple\npear\nzebra");
        assertThat(evaluate(again, other("zebra")).out()).contains("accuracy 100.00 %");
        Path pruned = folder.resolve("pruned.pt");
        for (String compression : List.of("none", "deflate")) {
            shell = Shell.run("export", again, "--out", pruned, "--compress", compression);
            assertThat(shell.status()).as(shell.err()).isZero();
            assertThat(evaluate(pruned, some).out()).contains("accuracy 100.00 %");
            assertThat(TorchScriptFile.open(pruned).metadata().orElseThrow().method())
                    .isEqualTo("none");
        }

        data = other("mango", "pear");
        shell = train("--model", script, "--epochs", 1, "--out", folder.resolve("no"));
        assertThat(shell.err()).contains("does not know the class 'mango' of the images");
        assertThat(folder.resolve("no")).doesNotExist();
    }

    @Test
    void parametersWithoutNamesAreTakenInOrderOrNotAtAll() throws IOException {
        trained();
        Path params = run.resolve("model/lenet300-0000.params");
        Path alone = Files.copy(params, folder.resolve("lenet300-0000.params"));
        Shell shell = evaluate(alone, data);
        assertThat(shell.out()).contains("accuracy 100.00 %");
        assertThat(shell.err())
                .contains(alone + " does not name its classes: they are taken in the order");
        shell = evaluate(alone, other("pear", "zebra"));
        assertThat(shell.err())
                .contains("tells 3 classes apart, the data set has 2", "synset.txt beside it");
        assertThat(shell.status()).isEqualTo(2);
        Files.writeString(folder.resolve("synset.txt"), "apple\npear\nzebra\n");
        shell = evaluate(alone, other("pear", "zebra"));
        assertThat(shell.out()).contains("accuracy 100.00 %");
    }

    private static Shell resume(Path run) {
        return Shell.run("resume", run);
    }

    @Test
    void aRunGoesOnWithTheClassesThatItBeganWith() throws IOException {
        train("--epochs", 8, "--max-time", "1epoch");
        Path pears = data.resolve("train/pear");
        Path quinces = data.resolve("train/quince");
        Files.move(pears, quinces);
        Files.move(data.resolve("val/pear"), data.resolve("val/quince"));
        Shell shell = resume(run);
        assertThat(shell.err()).contains("does not know the class 'quince' of the images, only");
        assertThat(shell.status()).isEqualTo(2);
        Files.move(quinces, pears);
        Files.move(data.resolve("val/quince"), data.resolve("val/pear"));
        shell = resume(run);
        assertThat(shell.err()).isEmpty();
        assertThat(shell.out()).contains("Test accuracy 100.00 %");
    }

    @Test
    void imagesThatHaveChangedSinceACheckpointAreTold() throws IOException {
        train("--epochs", 8, "--max-time", "1epoch");
        write(data.resolve("train/pear/99.png"), 1, 0);
        Files.delete(data.resolve("val/apple/0.png"));
        Files.copy(data.resolve("val/apple/1.png"), data.resolve("val/apple/0.png"));
        Shell shell = resume(run);
        assertThat(shell.err().lines())
                .containsExactly(
                        "The training images have changed since the checkpoint: there were 18, now"
                                + " there are 19. They come in another order, so the run will not be"
                                + " the one that was begun.",
                        "The test images have changed since the checkpoint: there are 18 as before,"
                                + " but others. Accuracies from here on are not of the same images"
                                + " as before.");
        assertThat(shell.status()).isZero();
    }

    @Test
    void oneClassIsNothingToTellApart() throws IOException {
        data = other("pear");
        Shell shell = train("--epochs", 1);
        assertThat(shell.err())
                .isEqualTo(
                        "flipout: The images in "
                                + data
                                + " are all of one class, 'pear': there is nothing to tell apart;"
                                + " add a folder for each other class."
                                + System.lineSeparator());
        assertThat(shell.status()).isEqualTo(2);
        assertThat(run).doesNotExist();
    }
}
