package io.flipout.djl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.djl.Fuzz;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafeTensorsTest {

    private static final int MUTATIONS = 20_000;

    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("some.safetensors");
        Map<String, Object> arrays = new LinkedHashMap<>();
        arrays.put("weight", new float[] {1.5f, -0f, Float.NaN, 3});
        arrays.put("sparse", new float[] {0, 0, 0, 0, -2.5f, 0, -0f, 0, 0});
        arrays.put("flips", new int[] {0, 0, 0, 7, 0, 0, 0, 0});
        arrays.put("steps", new long[] {1L << 40});
        arrays.put("mask", new byte[] {1, 0, 1});
        arrays.put("nothing", new float[0]);
        SafeTensorsWriter.write(file, arrays, Map.of("method", "flipout", "quote\"", "ü"));
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        SafeTensors tensors = SafeTensors.open(file);
        assertThat(tensors.metadata())
                .containsEntry("method", "flipout")
                .containsEntry("quote\"", "ü");
        assertThat(tensors.floats("weight", 4)).containsExactly(1.5f, -0f, Float.NaN, 3);
        float[] sparse = tensors.floats("sparse", 9);
        assertThat(sparse).containsExactly(0, 0, 0, 0, -2.5f, 0, -0f, 0, 0);
        assertThat(Float.floatToRawIntBits(sparse[6])).isEqualTo(0x80000000); // −0 stays −0.
        assertThat(tensors.ints("flips", 8)).containsExactly(0, 0, 0, 7, 0, 0, 0, 0);
        assertThat(tensors.longs("steps", 1)).containsExactly(1L << 40);
        assertThat(tensors.bytes("mask", 3)).containsExactly(1, 0, 1);
        assertThat(tensors.floats("nothing", 4)).isEmpty();
        assertThat(tensors.contains("sparse")).isTrue();
        assertThat(tensors.contains("sparser")).isFalse();
    }

    @Test
    void arraysOfZerosAreSmall() throws IOException {
        float[] values = new float[1_000_000];
        values[5] = 1;
        SafeTensorsWriter.write(file, Map.of("w", values), Map.of());
        assertThat(Files.size(file)).isLessThan(500);
        assertThat(SafeTensors.open(file).floats("w", 1_000_000)).isEqualTo(values);
    }

    @Test
    void moreThanExpectedIsRefusedBeforeItIsRead() throws IOException {
        SafeTensors tensors = SafeTensors.open(file);
        for (String name : new String[] {"weight", "sparse"}) {
            assertThatThrownBy(() -> tensors.floats(name, 3))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining(name)
                    .hasMessageContaining("another type or size");
        }
        assertThatThrownBy(() -> tensors.ints("weight", 4))
                .hasMessageContaining("another type or size");
        assertThatThrownBy(() -> tensors.ints("absent", 4))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("lacks the array absent");
    }

    @Test
    void everyCutIsNoticed() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> SafeTensors.open(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining(file + " is damaged: ");
        }
    }

    @Test
    void everyFlippedBitIsNoticed() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int bit = 0; bit < 8 * whole.length; bit++) {
            byte[] changed = whole.clone();
            changed[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(file, changed);
            assertThatThrownBy(() -> SafeTensors.open(file))
                    .as("bit %d", bit)
                    .isInstanceOf(CheckpointException.class);
        }
    }

    /** Files that a stranger made, whose checksum may be right and whose lengths are not. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[2000000000],\"data_offsets\":[0,8000000000]}} | bytes and not",
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[1000000,1000000],\"data_offsets\":[0,0]}} | another size than its data",
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[4000000000,4000000000,4000000000],\"data_offsets\":[0,0]}} | header",
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | is not described",
                "{\"w\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}} | header",
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}} | is not described",
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | is not where it should be",
                "{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}} | it has no checksum",
                "{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}} | two tensors w",
                "[] | header",
                "{} {} | header",
            })
    void lengthsAreNotBelieved(String header, String sentence) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + text.length).order(ByteOrder.LITTLE_ENDIAN);
        Files.write(file, bytes.putLong(text.length).put(text).array());
        assertThatThrownBy(() -> SafeTensors.open(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(sentence);
    }

    @Test
    void aHugeHeaderIsNotBelieved() throws IOException {
        for (long length : new long[] {-1, 0, 99_000_000, 1L << 40, Long.MAX_VALUE}) {
            byte[] bytes =
                    ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
            Files.write(file, bytes);
            assertThatThrownBy(() -> SafeTensors.open(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("its header is said to have " + length + " bytes");
        }
    }

    @Test
    void mutatedFilesAreRefusedAndNothingElseHappens() throws Exception {
        byte[] whole = Files.readAllBytes(file);
        Fuzz.damage(
                file,
                MUTATIONS,
                1 << 20,
                Set.of(CheckpointException.class),
                () -> {
                    SafeTensors.open(file);
                    assertThat(Files.readAllBytes(file)).as("Noticed").isEqualTo(whole);
                });
    }

    /** The checksum keeps mutations from what is behind it; whoever can compute it is not kept. */
    @Test
    void mutatedHeadersWithTheRightChecksumAreReadOrRefused() throws Exception {
        SafeTensorsWriter.write(
                file, Map.of("w", new float[] {0, 0, 0, 0, 0, 1}, "n", new int[3]), Map.of());
        Path header = folder.resolve("header.safetensors");
        byte[] whole = Files.readAllBytes(file);
        Files.write(header, Arrays.copyOf(whole, whole.length - 32));
        Fuzz.damage(
                header,
                MUTATIONS,
                1 << 20,
                Set.of(CheckpointException.class),
                () -> {
                    signed(header);
                    SafeTensors tensors = SafeTensors.open(header);
                    for (String name : List.of("w", "n", "w.index", "w.value")) {
                        if (tensors.contains(name)) {
                            tensors.array(name, 6);
                        }
                    }
                });
    }

    /** Appends the checksum of all that is there. */
    private static void signed(Path file) throws Exception {
        byte[] bytes = Files.readAllBytes(file);
        Files.write(
                file,
                MessageDigest.getInstance("SHA-256").digest(bytes),
                StandardOpenOption.APPEND);
    }
}
