package io.flipout.djl.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.training.dataset.Dataset.Usage;
import io.flipout.djl.Fuzz;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Data files that damage or malice made. */
class HostileDataTest {

    private static final int RECORD = 3073;

    /** Of Java's memory; what the buffers of streams and decoders take, and not much more. */
    private static final long MEMORY = 2 << 20;

    private static final Set<Class<? extends Exception>> THROWN = Set.of(DataException.class);

    @TempDir private Path folder;

    private ImageSet load(DataSets set) throws IOException {
        return set.load(folder, Usage.TRAIN, 8, note -> {});
    }

    private static byte[] idx(int... integers) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * integers.length);
        for (int integer : integers) {
            bytes.putInt(integer);
        }
        return bytes.array();
    }

    private static byte[] packed(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        }
        return packed.toByteArray();
    }

    /** Three images of 2×4 pixels. */
    private Path writeMnist(String name) throws IOException {
        byte[] images = idx(0x0803, 3, 2, 4, 0x01020304, 5, 6, 7, 8, 9);
        byte[] labels = idx(0x0801, 3, 0x01020300);
        boolean isPacked = name.endsWith(".gz");
        String ending = isPacked ? ".gz" : "";
        labels = Arrays.copyOf(labels, labels.length - 1);
        Files.write(
                folder.resolve("train-images-idx3-ubyte" + ending),
                isPacked ? packed(images) : images);
        Files.write(
                folder.resolve("train-labels-idx1-ubyte" + ending),
                isPacked ? packed(labels) : labels);
        return folder.resolve(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "train-images-idx3-ubyte",
                "train-labels-idx1-ubyte",
                "train-images-idx3-ubyte.gz",
                "train-labels-idx1-ubyte.gz"
            })
    void idxFiles(String name) throws Exception {
        Path file = writeMnist(name);
        assertThat(Fuzz.damage(file, 7_000, MEMORY, THROWN, () -> load(DataSets.MNIST)))
                .isPositive();
    }

    /** Ten million images are said to follow, and none does. */
    @Test
    void theNumberOfImagesIsNotBelieved() throws Exception {
        Path file = writeMnist("train-images-idx3-ubyte");
        Files.write(file, idx(0x0803, 10_000_000, 1, 1));
        long memory =
                Fuzz.memory(
                        () ->
                                assertThatThrownBy(() -> load(DataSets.MNIST))
                                        .isInstanceOf(DataException.class)
                                        .hasMessageContaining(file + " is truncated"));
        assertThat(memory).isLessThan(MEMORY);
    }

    @Test
    void cifarFiles() throws Exception {
        for (int i = 1; i <= 5; i++) {
            Files.write(folder.resolve("data_batch_" + i + ".bin"), new byte[RECORD]);
        }
        Path file = folder.resolve("data_batch_3.bin");
        Files.write(file, new byte[2 * RECORD]);
        assertThat(Fuzz.damage(file, 5_000, MEMORY, THROWN, () -> load(DataSets.CIFAR10)))
                .isPositive();
    }

    private Path writeImage(String type) throws IOException {
        Path file = folder.resolve("train").resolve("only").resolve("image." + type);
        Files.createDirectories(file.getParent());
        BufferedImage image = new BufferedImage(12, 9, BufferedImage.TYPE_INT_RGB);
        Random random = new Random(1);
        for (int i = 0; i < 12 * 9; i++) {
            image.setRGB(i % 12, i / 12, random.nextInt());
        }
        ImageIO.write(image, type, file.toFile());
        return file;
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg"})
    void images(String type) throws Exception {
        Path file = writeImage(type);
        assertThat(Fuzz.damage(file, 6_000, 8 * MEMORY, THROWN, () -> load(DataSets.FOLDER)))
                .isPositive();
    }

    /** Images of other colours: grey with alpha, a palette, inks. */
    @ParameterizedTest
    @ValueSource(strings = {"alpha.png", "palette.png", "inks.jpg"})
    void imagesOfOtherColours(String name) throws Exception {
        Path file = writeImage("png").resolveSibling(name);
        Files.delete(file.resolveSibling("image.png"));
        Files.write(
                file,
                switch (name) {
                    case "alpha.png" -> TinyImages.png(8, 4, new byte[0], 1, 2, 3, 4, 5);
                    case "palette.png" ->
                            TinyImages.png(
                                    2,
                                    3,
                                    TinyImages.chunk("PLTE", new byte[12]),
                                    0b00011011,
                                    0b11100100);
                    default -> TinyImages.jpeg(1, 2, 3, 4);
                });
        assertThat(Fuzz.damage(file, 2_000, 8 * MEMORY, THROWN, () -> load(DataSets.FOLDER)))
                .isPositive();
    }

    /** Wherever a copy was broken off, the image is not taken for a whole one. */
    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg"})
    void anImageIsRefusedWhereverItIsCutOff(String type) throws IOException {
        Path file = writeImage(type);
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> load(DataSets.FOLDER))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining(file + " is no image that can be decoded");
        }
    }

    /** The header of a PNG, whose checksum is right. */
    private static byte[] withSize(byte[] png, int width, int height) {
        ByteBuffer bytes = ByteBuffer.wrap(png.clone());
        bytes.putInt(16, width).putInt(20, height);
        CRC32 crc = new CRC32();
        crc.update(bytes.array(), 12, 17);
        return bytes.putInt(29, (int) crc.getValue()).array();
    }

    @Test
    void anImageIsNotBelievedToBeLargerThanItsFile() throws IOException {
        Path file = writeImage("png");
        byte[] png = Files.readAllBytes(file);
        Files.write(file, withSize(png, 100_000, 100_000));
        assertThatThrownBy(() -> load(DataSets.FOLDER))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(file + " claims 100000×100000 pixels");
    }

    @Test
    void otherFormatsAreNotDecoded() throws IOException {
        Path file = writeImage("gif");
        Path named = file.resolveSibling("image.png");
        Files.move(file, named);
        assertThatThrownBy(() -> load(DataSets.FOLDER))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(named + " is no image that can be decoded (JPEG or PNG)");
    }
}
