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
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[2000000000],\"data_offsets\":[0,8000000000]}} | it has 80 bytes and not 8000000080",
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
        // Behind the first 8 of 100 bytes there is room for 92.
        for (long length : new long[] {-1, 0, 1, 93, 99_000_000, 1L << 40, Long.MAX_VALUE}) {
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

    /** As the format says it, for whoever reads it by other means. */
    @Test
    void theHeaderTellsTypesShapesAndPlaces() throws IOException {
        Map<String, Object> arrays = new LinkedHashMap<>();
        arrays.put("a", new float[] {1, 2});
        arrays.put("b", new int[] {3});
        arrays.put("c", new long[] {4});
        arrays.put("d", new byte[] {5, 6, 7});
        SafeTensorsWriter.write(file, arrays, Map.of("k", "v"));
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] header = new byte[Math.toIntExact(bytes.getLong())];
        bytes.get(header);

        assertThat(new String(header, StandardCharsets.UTF_8))
                .isEqualTo(
                        """
                        {"__metadata__":{"k":"v"},\
                        "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},\
                        "b":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},\
                        "c":{"dtype":"I64","shape":[1],"data_offsets":[12,20]},\
                        "d":{"dtype":"U8","shape":[3],"data_offsets":[20,23]},\
                        "sha256":{"dtype":"U8","shape":[32],"data_offsets":[23,55]}}""");
        assertThat(bytes.getFloat()).isEqualTo(1);
        assertThat(bytes.getFloat()).isEqualTo(2);
        assertThat(bytes.getInt()).isEqualTo(3);
        assertThat(bytes.getLong()).isEqualTo(4);
        assertThat(new byte[] {bytes.get(), bytes.get(), bytes.get()}).containsExactly(5, 6, 7);
        assertThat(bytes.remaining()).isEqualTo(32);
    }

    /** Lengths on both sides of what a buffer holds. */
    @Test
    void longArraysAreWrittenPieceByPiece() throws IOException {
        for (int length : new int[] {8191, 8192, 8193, 16_384, 16_385, 65_536, 65_537, 140_000}) {
            Map<String, Object> arrays = new LinkedHashMap<>();
            float[] floats = new float[length];
            int[] ints = new int[length];
            long[] longs = new long[length];
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++) {
                floats[i] = i + 1;
                ints[i] = -i - 1;
                longs[i] = i * 10_000_000_000L;
                bytes[i] = (byte) (i % 251);
            }
            arrays.put("floats", floats);
            arrays.put("ints", ints);
            arrays.put("longs", longs);
            arrays.put("bytes", bytes);
            SafeTensorsWriter.write(file, arrays, Map.of());
            SafeTensors tensors = SafeTensors.open(file);
            assertThat(Arrays.equals(tensors.floats("floats", length), floats)).isTrue();
            assertThat(Arrays.equals(tensors.ints("ints", length), ints)).isTrue();
            assertThat(Arrays.equals(tensors.longs("longs", length), longs)).isTrue();
            assertThat(Arrays.equals(tensors.bytes("bytes", length), bytes)).isTrue();
        }
    }

    @Test
    void arraysOfOtherTypesCannotBeKept() {
        assertThatThrownBy(
                        () ->
                                SafeTensorsWriter.write(
                                        file, Map.of("w", new double[] {1}), Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Arrays of float, int, long or byte can be kept, not double[]");
    }

    /** Writes a file of that header and data, and its checksum. */
    private SafeTensors opened(String header, byte... data) throws Exception {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes =
                ByteBuffer.allocate(8 + text.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        Files.write(file, bytes.putLong(text.length).put(text).put(data).array());
        signed(file);
        return SafeTensors.open(file);
    }

    private static String checksum(int begin) {
        return "\"sha256\":{\"dtype\":\"U8\",\"shape\":[32],\"data_offsets\":["
                + begin
                + ","
                + (begin + 32)
                + "]}";
    }

    @Test
    void othersMayAddWhatIsNotKnownHereAndShapesOfAnyRank() throws Exception {
        SafeTensors tensors =
                opened(
                        "{\"w\":{\"more\":{\"x\":[1]},\"dtype\":\"I32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
                                + "\"s\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[8,9]},"
                                + checksum(9)
                                + "}  ",
                        (byte) 1,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0,
                        (byte) 2,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0,
                        (byte) 9);
        assertThat(tensors.ints("w", 2)).containsExactly(1, 2);
        assertThat(tensors.bytes("s", 1)).containsExactly(9);
        assertThat(tensors.metadata()).isEmpty();
    }

    @Test
    void theChecksumIsTheLastTensorAndOfItsLength() throws Exception {
        assertThat(opened("{" + checksum(0) + "}").contains("sha256")).isTrue();
        assertThatThrownBy(
                        () ->
                                opened(
                                        "{"
                                                + checksum(0)
                                                + ",\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[32,33]}}",
                                        (byte) 1))
                .hasMessageContaining("it has no checksum");
        assertThatThrownBy(
                        () ->
                                opened(
                                        "{\"sha256\":{\"dtype\":\"U8\",\"shape\":[33],\"data_offsets\":[0,33]}}",
                                        (byte) 1))
                .hasMessageContaining("it has no checksum");
        assertThatThrownBy(() -> opened("{" + checksum(0) + "} {}"))
                .hasMessageContaining("its header is no JSON");
        assertThatThrownBy(
                        () ->
                                opened(
                                        "{\"w\":{\"dtype\":\"U8\",\"shape\":[1]},"
                                                + checksum(0)
                                                + "}"))
                .hasMessageContaining("its tensor w is not described");
    }

    @Test
    void halfOfASparseArrayIsNone() throws IOException {
        SafeTensorsWriter.write(
                file,
                Map.of(
                        "a.index", new int[] {1, 2},
                        "b.value", new float[] {1},
                        "c.index", new float[] {1},
                        "c.value", new float[0],
                        "d.index", new int[] {4, 2},
                        "d.value", new float[] {1}),
                Map.of());
        SafeTensors tensors = SafeTensors.open(file);
        for (String name : List.of("a", "b")) {
            assertThatThrownBy(() -> tensors.array(name, 9))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("lacks the array " + name);
        }
        for (String name : List.of("c", "d")) {
            assertThatThrownBy(() -> tensors.array(name, 9))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("another type or size");
        }
        assertThat(tensors.contains("b")).isFalse();
    }
}
