package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.training.ParameterStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an exported module takes, and what the exporter is given. */
class ExportInputsTest {

    private static final Locale USUAL = Locale.getDefault();

    @TempDir private Path folder;
    private Path file;
    private NDManager manager;

    @BeforeEach
    void setUp() {
        file = folder.resolve("net.pt");
        manager = NDManager.newBaseManager(Device.cpu());
    }

    @AfterEach
    void tearDown() {
        manager.close();
        Locale.setDefault(USUAL);
    }

    private void export(Block block, Shape shape, DataType... types) throws IOException {
        if (!block.isInitialized()) {
            block.initialize(manager, types.length > 0 ? types[0] : DataType.FLOAT32, shape);
        }
        TorchScriptExporter.builder().optInputTypes(types).build().export(block, file, shape);
    }

    private float[] forward(Block block, NDArray input) {
        return block.forward(new ParameterStore(manager, false), new NDList(input), false)
                .head()
                .toFloatArray();
    }

    private static Stream<Block> recurrent() {
        return Stream.of(
                LSTM.builder().setStateSize(3).setNumLayers(1).optBatchFirst(true).build(),
                GRU.builder().setStateSize(3).setNumLayers(1).optBatchFirst(true).build(),
                RNN.builder()
                        .setActivation(RNN.Activation.TANH)
                        .setStateSize(3)
                        .setNumLayers(1)
                        .optBatchFirst(true)
                        .build());
    }

    /** PyTorch's own do not look at the width, so what takes their place has to. */
    @ParameterizedTest
    @MethodSource("recurrent")
    void aRecurrentLayerThatStandsFirstChecksItsWidth(Block block) throws IOException {
        export(block, new Shape(1, 5, 4));
        try (Model model = TorchScriptModels.open(file, Device.cpu())) {
            NDArray longer = manager.arange(2 * 9 * 4f).sin().reshape(2, 9, 4);
            assertThat(forward(model.getBlock(), longer)).containsExactly(forward(block, longer));
            for (int width : new int[] {3, 5, 36}) {
                NDArray other = manager.ones(new Shape(2, 5, width));
                assertThatThrownBy(() -> forward(model.getBlock(), other))
                        .isInstanceOf(EngineException.class)
                        .hasMessageContaining("takes input of shape (batch, any, 4)");
            }
        }
        assertThatThrownBy(() -> export(block, new Shape(1, 5, 6)))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageContaining("takes sequences of 4 features, not of 6");
    }

    /** Arabic digits, Persian ones, and a Turkish i are not what TorchScript reads. */
    @ParameterizedTest
    @ValueSource(strings = {"ar-EG", "fa-IR", "tr-TR", "hi-IN-u-nu-deva"})
    void theCodeIsTheSameInEveryLocale(String tag) throws IOException {
        Locale.setDefault(Locale.forLanguageTag(tag));
        Block block =
                new SequentialBlock()
                        .add(list -> new NDList(list.head().reshape(-1, 24)))
                        .add(Linear.builder().setUnits(3).build());
        export(block, new Shape(1, 2, 12));
        NDArray input = manager.arange(48f).reshape(2, 2, 12);
        try (Model model = TorchScriptModels.load(file, Device.cpu())) {
            assertThat(forward(model.getBlock(), input)).containsExactly(forward(block, input));
            NDArray other = manager.ones(new Shape(2, 3, 12));
            assertThatThrownBy(() -> forward(model.getBlock(), other))
                    .hasMessageContaining("takes input of shape (batch, 2, 12)");
        }
    }

    @Test
    void arraysAreTakenFrom() throws IOException {
        NDArray index = manager.create(new long[] {0, 3, 1});
        Block block =
                new SequentialBlock()
                        .add(Linear.builder().setUnits(4).build())
                        .add(new LambdaBlock(list -> new NDList(list.head().take(index))));
        block.initialize(manager, DataType.FLOAT32, new Shape(2, 3));
        export(block, new Shape(2, 3));
        NDArray input = manager.arange(12f).reshape(4, 3);
        try (Model model = TorchScriptModels.open(file, Device.cpu())) {
            assertThat(forward(model.getBlock(), input)).containsExactly(forward(block, input));
        }
    }

    @Test
    void withoutShapesThoseOfTheInitialisationAreTaken() throws IOException {
        Block block = new SequentialBlock().add(Linear.builder().setUnits(2).build());
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 3));
        TorchScriptExporter.builder().build().export(block, file);
        NDArray input = manager.arange(6f).reshape(2, 3);
        try (Model model = TorchScriptModels.open(file, Device.cpu())) {
            assertThat(forward(model.getBlock(), input)).containsExactly(forward(block, input));
        }
    }

    @Test
    void modulesAreNotWrittenIntoOthers() throws IOException {
        export(Linear.builder().setUnits(2).build(), new Shape(1, 3));
        try (Model model = TorchScriptModels.load(file, Device.cpu())) {
            Block head = Linear.builder().setUnits(4).build();
            Block whole = new SequentialBlock().add(model.getBlock()).add(head);
            head.initialize(manager, DataType.FLOAT32, new Shape(1, 2));
            TorchScriptExporter exporter = TorchScriptExporter.builder().build();
            Shape shape = new Shape(1, 3);
            assertThatThrownBy(() -> exporter.export(whole, file, shape))
                    .isInstanceOf(TorchScriptException.class)
                    .hasMessageContaining("is a TorchScript module")
                    .hasMessageContaining("TorchScriptModels.save");
            assertThatThrownBy(() -> exporter.export(model.getBlock(), file, shape))
                    .hasMessageContaining("TorchScript already");
        }
    }
}
