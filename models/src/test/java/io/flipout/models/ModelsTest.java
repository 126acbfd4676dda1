package io.flipout.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.util.Pair;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ModelsTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private Block initialized(Models model) {
        Block block = model.newBlock((int) model.image().get(0), 10);
        block.initialize(manager, DataType.FLOAT32, batch(model, 1));
        return block;
    }

    private static Shape batch(Models model, int size) {
        return new Shape(size).addAll(model.image());
    }

    /** By dotted path, as block and parameter names give it. */
    private static Map<String, Parameter> trainable(Block block) {
        Map<String, Parameter> found = new LinkedHashMap<>();
        collect("", block, found);
        return found;
    }

    private static void collect(String prefix, Block block, Map<String, Parameter> found) {
        for (Pair<String, Parameter> pair : block.getDirectParameters()) {
            if (pair.getValue().requiresGradient()) {
                found.put(prefix + pair.getKey(), pair.getValue());
            }
        }
        for (Pair<String, Block> child : block.getChildren()) {
            collect(prefix + child.getKey() + ".", child.getValue(), found);
        }
    }

    /**
     * VGG-13 and VGG-16 by hand: from VGG-19, each convolution less takes away its weights, bias, γ
     * and β: 590,592 in stage 3 (256 filters) and 2,360,832 in stages 4 and 5 (512 filters).
     */
    @ParameterizedTest
    @CsvSource({
        "LENET300,     266610,   266200,  3,   6",
        "LENET5,       431080,   430500,  4,   8",
        "CONV6,       2262602,  2261184,  9,  18",
        "RESNET18,   11173962, 11164352, 21,  62",
        "VGG13,       9416010,  9407168, 11,  42",
        "VGG16,      14728266, 14715584, 14,  54",
        "VGG19,      20040522, 20024000, 17,  66",
        "DENSENET121, 6964106,  6880448, 121, 364"
    })
    void countsAreThoseOfTheOriginals(
            Models model, long total, long prunable, int prunableTensors, int tensors) {
        Map<String, Parameter> parameters = trainable(initialized(model));
        List<NDArray> arrays = new ArrayList<>();
        parameters.values().forEach(p -> arrays.add(p.getArray()));
        List<NDArray> weights = arrays.stream().filter(a -> a.getShape().dimension() >= 2).toList();

        assertThat(arrays.stream().mapToLong(NDArray::size).sum()).isEqualTo(total);
        assertThat(arrays).hasSize(tensors);
        assertThat(weights.stream().mapToLong(NDArray::size).sum()).isEqualTo(prunable);
        assertThat(weights).hasSize(prunableTensors);
    }

    @ParameterizedTest
    @EnumSource
    void outputsOneValueAClass(Models model) {
        Block block = initialized(model);
        NDArray images = manager.randomNormal(batch(model, 2));
        NDList output =
                block.forward(new ParameterStore(manager, false), new NDList(images), false);
        assertThat(output.singletonOrThrow().getShape()).isEqualTo(new Shape(2, 10));
        assertThat(block.getOutputShapes(new Shape[] {batch(model, 2)}))
                .containsExactly(new Shape(2, 10));
    }

    @Test
    void namesAreThoseOfPyTorch() {
        assertThat(trainable(initialized(Models.RESNET18)))
                .containsKeys(
                        "conv1.weight",
                        "bn1.gamma",
                        "layer1.0.conv1.weight",
                        "layer2.0.shortcut.0.weight",
                        "layer4.1.bn2.beta",
                        "linear.weight",
                        "linear.bias")
                .doesNotContainKey("layer1.0.shortcut.0.weight");
        assertThat(trainable(initialized(Models.VGG13)))
                .containsKeys("features.0.weight", "features.31.bias", "classifier.weight");
        assertThat(trainable(initialized(Models.DENSENET121)))
                .containsKeys(
                        "features.conv0.weight",
                        "features.denseblock1.denselayer1.norm1.gamma",
                        "features.denseblock4.denselayer16.conv2.weight",
                        "features.transition3.conv.weight",
                        "features.norm5.beta",
                        "classifier.bias");
    }

    @ParameterizedTest
    @EnumSource(names = {"LENET300", "LENET5", "RESNET18"})
    void weightsAndBiasesAreUniformWithinTheRootOfTheFanIn(Models model) {
        float bound = 0;
        for (Map.Entry<String, Parameter> entry : trainable(initialized(model)).entrySet()) {
            NDArray array = entry.getValue().getArray();
            float[] values = array.toFloatArray();
            if (array.getShape().dimension() >= 2) {
                bound = (float) Math.sqrt((double) array.getShape().get(0) / array.size());
                double variance = 0;
                for (float value : values) {
                    variance += (double) value * value / values.length;
                }
                assertThat(variance)
                        .as(entry.getKey())
                        .isCloseTo(bound * bound / 3, within(0.15 * bound * bound / 3));
            }
            if (entry.getKey().endsWith("weight") || entry.getKey().endsWith("bias")) {
                for (float value : values) {
                    assertThat(Math.abs(value)).as(entry.getKey()).isLessThanOrEqualTo(bound);
                }
                assertThat(array.max().getFloat()).as(entry.getKey()).isGreaterThan(bound / 3);
            } else {
                assertThat(values)
                        .as(entry.getKey())
                        .containsOnly(entry.getKey().endsWith("gamma") ? 1f : 0f);
            }
        }
    }

    @Test
    void denseNetIsInitialisedByKaiming() {
        Map<String, Parameter> parameters = trainable(initialized(Models.DENSENET121));
        float[] weights =
                parameters
                        .get("features.denseblock4.denselayer16.conv2.weight")
                        .getArray()
                        .toFloatArray();
        double variance = 0;
        for (float weight : weights) {
            variance += (double) weight * weight / weights.length;
        }
        assertThat(variance).isCloseTo(2.0 / (128 * 9), within(1e-4));
        assertThat(parameters.get("classifier.bias").getArray().toFloatArray()).containsOnly(0f);
    }

    @Test
    void aSeedGivesTheSameWeights() {
        assertThat(firstWeights(7)).isEqualTo(firstWeights(7)).isNotEqualTo(firstWeights(8));
    }

    private float[] firstWeights(int seed) {
        Engine.getInstance().setRandomSeed(seed);
        return trainable(initialized(Models.LENET5)).get("fc2.weight").getArray().toFloatArray();
    }

    @ParameterizedTest
    @EnumSource(names = {"LENET5", "RESNET18", "DENSENET121"})
    void savedAndLoadedItComputesTheSame(Models model, @TempDir Path folder) throws Exception {
        NDArray images = manager.randomNormal(new Shape(2).addAll(small(model)));
        float[] expected;
        try (Model saved = Model.newInstance("net")) {
            saved.setBlock(model.newBlock((int) model.image().get(0), 10));
            saved.getBlock().initialize(saved.getNDManager(), DataType.FLOAT32, images.getShape());
            expected = predict(saved.getBlock(), images);
            saved.save(folder, "net");
        }
        try (Model loaded = Model.newInstance("net")) {
            loaded.setBlock(model.newBlock((int) model.image().get(0), 10));
            loaded.load(folder, "net");
            assertThat(predict(loaded.getBlock(), images)).isEqualTo(expected);
        }
    }

    private static Shape small(Models model) {
        return model == Models.DENSENET121 ? new Shape(3, 64, 64) : model.image();
    }

    private float[] predict(Block block, NDArray images) {
        return block.forward(new ParameterStore(manager, false), new NDList(images), false)
                .singletonOrThrow()
                .toFloatArray();
    }

    @ParameterizedTest
    @EnumSource
    void theGradientReachesEveryParameter(Models model) {
        try (Model net = Model.newInstance("net")) {
            net.setBlock(model.newBlock((int) model.image().get(0), 10));
            Loss loss = Loss.softmaxCrossEntropyLoss();
            try (Trainer trainer = net.newTrainer(new DefaultTrainingConfig(loss))) {
                Shape shape = new Shape(2).addAll(small(model));
                trainer.initialize(shape);
                NDManager scratch = trainer.getManager();
                NDArray images = scratch.randomNormal(shape);
                NDArray labels = scratch.create(new float[] {3, 7});
                try (GradientCollector collector = trainer.newGradientCollector()) {
                    NDList output = trainer.forward(new NDList(images));
                    collector.backward(loss.evaluate(new NDList(labels), output));
                }
                trainable(net.getBlock())
                        .forEach(
                                (path, parameter) ->
                                        assertThat(
                                                        parameter
                                                                .getArray()
                                                                .getGradient()
                                                                .abs()
                                                                .max()
                                                                .getFloat())
                                                .as(path)
                                                .isPositive());
            }
        }
    }

    @Test
    void aNarrowResNetIsNarrow() {
        Block block = new ResNet18(3, 10, 16);
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 32, 32));
        assertThat(trainable(block).get("layer4.1.conv2.weight").getArray().getShape())
                .isEqualTo(new Shape(128, 128, 3, 3));
    }

    @Test
    void otherChannelsAndClasses() {
        Block block = Models.RESNET18.newBlock(1, 7);
        assertThat(block.getOutputShapes(new Shape[] {new Shape(4, 1, 28, 28)}))
                .containsExactly(new Shape(4, 7));
    }

    @Test
    void wrongNumbersAndNamesAreRefused() {
        assertThatThrownBy(() -> Models.named("lenet"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'lenet'")
                .hasMessageContaining("lenet300, lenet5, conv6, resnet18");
        assertThatThrownBy(() -> new LeNet5(0, 10)).hasMessageContaining("input channel");
        assertThatThrownBy(() -> new LeNet5(1, 1)).hasMessageContaining("classes");
        assertThatThrownBy(() -> new ResNet18(3, 10, 0)).hasMessageContaining("width");
    }
}
