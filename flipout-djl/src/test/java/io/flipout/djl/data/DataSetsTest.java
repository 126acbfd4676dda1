package io.flipout.djl.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.training.dataset.Dataset.Usage;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSetsTest {

    @TempDir private Path folder;

    private final List<String> notes = new ArrayList<>();

    private ImageSet load(DataSets set, Usage usage) throws IOException {
        return set.load(folder, usage, 0, notes::add);
    }

    private static byte[] idx(int magic, int[] dimensions, int... bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        DataOutputStream data = new DataOutputStream(out);
        data.writeInt(magic);
        for (int dimension : dimensions) {
            data.writeInt(dimension);
        }
        for (int b : bytes) {
            data.writeByte(b);
        }
        return out.toByteArray();
    }

    /** Two training images of 1×3 pixels. */
    private void writeMnist() throws IOException {
        Files.write(
                folder.resolve("train-images-idx3-ubyte"),
                idx(0x0803, new int[] {2, 1, 3}, 0, 128, 255, 1, 2, 3));
        Files.write(folder.resolve("train-labels-idx1-ubyte"), idx(0x0801, new int[] {2}, 7, 0));
    }

    @Test
    void idxFilesAreRead() throws IOException {
        writeMnist();
        ImageSet set = load(DataSets.MNIST, Usage.TRAIN);
        assertThat(set.size()).isEqualTo(2);
        assertThat(set.image(0)).containsExactly(0, (byte) 128, (byte) 255);
        assertThat(set.label(0)).isEqualTo(7);
        assertThat(List.of(set.channels(), set.height(), set.width())).containsExactly(1, 1, 3);
    }

    @Test
    void packedIdxFilesAreReadToo() throws IOException {
        writeMnist();
        for (String name : List.of("train-images-idx3-ubyte", "train-labels-idx1-ubyte")) {
            Path plain = folder.resolve(name);
            try (GZIPOutputStream out =
                    new GZIPOutputStream(Files.newOutputStream(folder.resolve(name + ".gz")))) {
                out.write(Files.readAllBytes(plain));
            }
            Files.delete(plain);
        }
        assertThat(load(DataSets.FASHION_MNIST, Usage.TRAIN).label(0)).isEqualTo(7);
    }

    @Test
    void damagedIdxFilesAreNamed() throws IOException {
        Path images = folder.resolve("train-images-idx3-ubyte");
        Path labels = folder.resolve("train-labels-idx1-ubyte");
        writeMnist();
        byte[] good = Files.readAllBytes(images);

        Files.write(images, Arrays.copyOf(good, good.length - 1));
        assertFault(DataSets.MNIST, images + " is truncated");
        Files.write(images, Arrays.copyOf(good, 3));
        assertFault(DataSets.MNIST, images + " is truncated");
        Files.write(images, Arrays.copyOf(good, good.length + 1));
        assertFault(DataSets.MNIST, images + " goes on after its last value");
        Files.write(images, idx(0x0801, new int[] {2, 1, 3}, 0, 0, 0, 0, 0, 0));
        assertFault(DataSets.MNIST, images + " begins with 00000801");
        Files.write(images, idx(0x0803, new int[] {2, 1 << 20, 1 << 20}));
        assertFault(DataSets.MNIST, images + " claims images of");
        Files.write(images, good);
        Files.write(labels, idx(0x0801, new int[] {2}, 7, 10));
        assertFault(DataSets.MNIST, labels + " gives image 1 the label 10");
        Files.write(labels, idx(0x0801, new int[] {1}, 7));
        assertFault(DataSets.MNIST, labels + " holds 1 labels for the 2 images");
        Files.delete(labels);
        assertFault(DataSets.MNIST, "There is no train-labels-idx1-ubyte in " + folder);
    }

    @Test
    void aDamagedPackedFileIsNamed() throws IOException {
        writeMnist();
        Path plain = folder.resolve("train-images-idx3-ubyte");
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(Files.readAllBytes(plain));
        }
        Files.delete(plain);
        byte[] bytes = packed.toByteArray();
        bytes[bytes.length - 8] ^= 1; // The first byte of the checksum.
        Path images = folder.resolve("train-images-idx3-ubyte.gz");
        Files.write(images, bytes);
        assertFault(DataSets.MNIST, images + " cannot be unpacked (Corrupt GZIP trailer)");
    }

    private void assertFault(DataSets set, String sentence) {
        assertThatThrownBy(() -> load(set, Usage.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(sentence);
    }

    private void writeCifar(Path root) throws IOException {
        for (int i = 1; i <= 6; i++) {
            byte[] record = new byte[3073];
            record[0] = (byte) i;
            record[1] = (byte) (200 + i);
            String name = i == 6 ? "test_batch.bin" : "data_batch_" + i + ".bin";
            Files.write(root.resolve(name), record);
        }
    }

    @Test
    void cifarFilesAreRead() throws IOException {
        writeCifar(folder);
        ImageSet train = load(DataSets.CIFAR10, Usage.TRAIN);
        assertThat(train.size()).isEqualTo(5);
        assertThat(train.label(4)).isEqualTo(5);
        assertThat(train.image(4)[0] & 0xff).isEqualTo(205);
        assertThat(load(DataSets.CIFAR10, Usage.TEST).label(0)).isEqualTo(6);
        assertThat(train.classes().get(6)).isEqualTo("frog");
    }

    @Test
    void cifarsArchiveMayBeUnpackedAsItIs() throws IOException {
        writeCifar(Files.createDirectory(folder.resolve("cifar-10-batches-bin")));
        assertThat(load(DataSets.CIFAR10, Usage.TRAIN).size()).isEqualTo(5);
    }

    @Test
    void damagedCifarFilesAreNamed() throws IOException {
        writeCifar(folder);
        Path third = folder.resolve("data_batch_3.bin");
        byte[] record = Files.readAllBytes(third);
        Files.write(third, Arrays.copyOf(record, 3000));
        assertFault(DataSets.CIFAR10, third + " has 3000 bytes");
        record[0] = 10;
        Files.write(third, record);
        assertFault(DataSets.CIFAR10, third + " gives record 0 the label 10");
        Files.delete(third);
        assertFault(DataSets.CIFAR10, "There is no data_batch_3.bin in " + folder);
    }

    private void writeImage(String path, int width, int height, int type, Color color)
            throws IOException {
        BufferedImage image = new BufferedImage(width, height, type);
        Graphics2D graphics = image.createGraphics();
        graphics.setColor(color);
        graphics.fillRect(0, 0, width, height);
        graphics.dispose();
        Path file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        ImageIO.write(image, path.substring(path.lastIndexOf('.') + 1), file.toFile());
    }

    private void writeFolder() throws IOException {
        writeImage("train/apple/1.png", 40, 30, BufferedImage.TYPE_INT_RGB, new Color(250, 20, 3));
        writeImage("train/bread/1.jpg", 9, 11, BufferedImage.TYPE_BYTE_GRAY, Color.GRAY);
        writeImage("train/cheese/1.png", 8, 8, BufferedImage.TYPE_INT_RGB, Color.YELLOW);
        writeImage("val/cheese/1.png", 8, 8, BufferedImage.TYPE_INT_RGB, Color.YELLOW);
        Files.writeString(folder.resolve("train/apple/notes.txt"), "not an image");
    }

    private ImageSet images(Usage usage) throws IOException {
        return DataSets.FOLDER.load(folder, usage, 8, notes::add);
    }

    @Test
    void aFolderOfImagesIsScaledToOneSize() throws IOException {
        writeFolder();
        ImageSet train = images(Usage.TRAIN);
        assertThat(train.size()).isEqualTo(3);
        assertThat(train.classes()).containsExactly("apple", "bread", "cheese");
        for (int i = 0; i < 3; i++) {
            byte[] image = train.image(i);
            assertThat(image).hasSize(3 * 8 * 8);
            if (train.label(i) == 0) {
                assertThat(List.of(image[0] & 0xff, image[64] & 0xff, image[191] & 0xff))
                        .containsExactly(250, 20, 3);
            } else if (train.label(i) == 1) {
                assertThat(image[5]).isEqualTo(image[64 + 5]).isEqualTo(image[128 + 5]);
            }
        }
    }

    @Test
    void classesComeFromTheTrainingFolder() throws IOException {
        writeFolder();
        ImageSet val = images(Usage.TEST);
        assertThat(val.label(0)).isEqualTo(2);
        assertThat(val.classes()).hasSize(3);
        writeImage("val/olive/1.png", 8, 8, BufferedImage.TYPE_INT_RGB, Color.GREEN);
        assertThatThrownBy(() -> images(Usage.TEST))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("olive")
                .hasMessageContaining("[apple, bread, cheese]");
    }

    @Test
    void anImageThatDoesNotDecodeIsNamed() throws IOException {
        writeFolder();
        Path broken = folder.resolve("train/bread/2.jpg");
        Files.writeString(broken, "no image");
        assertThatThrownBy(() -> images(Usage.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(broken.toString());
        byte[] jpeg = Files.readAllBytes(folder.resolve("train/bread/1.jpg"));
        Files.write(broken, Arrays.copyOf(jpeg, 30));
        assertThatThrownBy(() -> images(Usage.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(broken.toString());
    }

    @Test
    void missingFoldersAreNamed() {
        assertThatThrownBy(() -> images(Usage.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("train/CLASS/*.jpg");
        assertThatThrownBy(
                        () ->
                                DataSets.IMAGENETTE.load(
                                        folder.resolve("x"), Usage.TRAIN, 0, notes::add))
                .hasMessageContaining("There is no folder");
        assertThatThrownBy(() -> DataSets.IMAGENETTE.load(null, Usage.TRAIN, 0, notes::add))
                .hasMessageContaining("--data");
    }

    @Test
    void aCacheThatCannotBeWrittenIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "no folder");
        assertThatThrownBy(() -> DebianPackage.temporary(file.resolve("cache")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("cache folder " + file.resolve("cache"))
                .hasMessageContaining("DJL_CACHE_DIR");
    }

    @Test
    void namesAreListed() {
        assertThat(DataSets.named("cifar10")).isEqualTo(DataSets.CIFAR10);
        assertThatThrownBy(() -> DataSets.named("cifar"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'cifar'")
                .hasMessageContaining("fashion-mnist, mnist, cifar10, imagenette, folder");
        assertThat(DataSets.IMAGENETTE.padding(224)).isEqualTo(28);
        assertThat(DataSets.CIFAR10.padding(32)).isEqualTo(4);
    }

    /** The real files, where Debian's package is installed. */
    @Test
    void fashionMnistIsWhatItShouldBe() throws IOException {
        Path installed = Path.of("/usr/share/datasets/fashion-mnist");
        Assumptions.assumeTrue(Files.isDirectory(installed));
        ImageSet test = DataSets.FASHION_MNIST.load(installed, Usage.TEST, 0, notes::add);
        assertThat(test.size()).isEqualTo(10_000);
        int[] counts = new int[10];
        for (int i = 0; i < test.size(); i++) {
            counts[test.label(i)]++;
        }
        assertThat(counts).containsOnly(1000);
        assertThat(test.classes().get(test.label(0))).isEqualTo("Ankle boot");
    }
}
