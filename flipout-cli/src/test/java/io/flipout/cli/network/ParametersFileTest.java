package io.flipout.cli.network;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.Fuzz;
import io.flipout.models.Models;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ParametersFileTest {

    /** Of Java's memory; what the values, the layers and the tables of them take. */
    private static final long MEMORY = 1 << 20;

    private static final Shape SMALL = new Shape(7, 1, 8, 8);

    @TempDir private Path folder;
    private float[][] values;

    private Path save(Models network, Block block, Shape images) throws Exception {
        try (Model model = Model.newInstance(network.id(), Device.cpu())) {
            model.setBlock(block);
            block.initialize(model.getNDManager(), DataType.FLOAT32, images);
            model.save(folder, network.id());
            values = values(block);
        }
        return folder.resolve(network.id() + "-0000.params");
    }

    /** Saves a network of many layers and few weights. */
    private Path saveNarrow() throws Exception {
        return save(Models.RESNET18, Models.RESNET18.newBlock(1, 3, 1), SMALL);
    }

    private static Model load(Path file) throws IOException {
        return SavedModel.find(file).load(Optional.empty(), Device.cpu());
    }

    private static float[][] values(Block block) {
        return block.getParameters().values().stream()
                .map(parameter -> parameter.getArray().toFloatArray())
                .toArray(float[][]::new);
    }

    @ParameterizedTest
    @EnumSource(Models.class)
    void aNetworkIsReadAsItWasSaved(Models network) throws Exception {
        Block saved = network.newBlock(3, 7);
        Path file = save(network, saved, new Shape(7, 3, 32, 32));
        try (Model model = load(file)) {
            Block read = model.getBlock();
            assertThat(read.getInputShapes()).containsExactly(new Shape(1, 3, 32, 32));
            assertThat(values(read)).isDeepEqualTo(values);
        }
    }

    @Test
    void lengthsThatTheFileCannotHoldTakeNoMemory() throws Exception {
        Path file = saveNarrow();
        byte[] whole = Files.readAllBytes(file);
        for (int at = 0; at < 400; at++) {
            byte[] damaged = whole.clone();
            ByteBuffer.wrap(damaged).putInt(at, Integer.MAX_VALUE);
            Files.write(file, damaged);
            long taken =
                    Fuzz.memory(
                            () -> {
                                try {
                                    load(file).close();
                                } catch (Failure e) {
                                    assertThat(e).hasMessageContaining(file.toString());
                                }
                            });
            assertThat(taken).as("with a length at byte %d", at).isLessThan(MEMORY);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 16777217, 16", "1, 4294967296, 4294967296", "268435457, 1, 1", "1, -1, -1"})
    void imagesThatAreTooLargeAreRefused(long channels, long height, long width) throws Exception {
        Path file = saveNarrow();
        Shape large = new Shape(7, channels, height, width);
        String whole = Files.readString(file, ISO_8859_1);
        String damaged = whole.replace(encoded(SMALL), encoded(large));
        Files.writeString(file, damaged, ISO_8859_1);
        assertThatThrownBy(() -> load(file))
                .isInstanceOf(Failure.class)
                .cause()
                .hasMessage("it is for images of " + large.slice(1));
    }

    private static String encoded(Shape shape) {
        return new String(shape.getEncoded(), ISO_8859_1);
    }

    @Test
    void weightsThatAreNoNumbersAreToldByName() throws Exception {
        Path file = saveNarrow();
        byte[] bytes = Files.readAllBytes(file);
        // NaN in either order of bytes, in the place of the last value.
        ByteBuffer.wrap(bytes).putInt(bytes.length - 4, 0x7fc0c07f);
        Files.write(file, bytes);
        assertThatThrownBy(() -> load(file))
                .isInstanceOf(Failure.class)
                .hasMessageStartingWith(file + " is of no use: its parameter ")
                .hasMessageContaining("holds NaN");
    }

    @Test
    void damageIsRefusedOrRead() throws Exception {
        Path file = saveNarrow();
        int refused =
                Fuzz.damage(file, 2_000, MEMORY, Set.of(Failure.class), () -> load(file).close());
        assertThat(refused).isPositive();
    }
}
