package io.flipout.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
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
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import java.util.Map;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The first weights are PyTorch's, not DJL's. */
class InitialisationTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager(Device.cpu());
        Engine.getInstance().setRandomSeed(42);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "DENSENET121")
    void weightsAndBiasesAreUniform(Models model) {
        Block block = model.newBlock((int) model.inputShape().get(0), 10);
        block.initialize(manager, DataType.FLOAT32, new Shape(1).addAll(model.inputShape()));

        Names.weighted(block).forEach(InitialisationTest::assertTorchDefault);
    }

    @Test
    void trainerKeepsThem() {
        try (Model model = Model.newInstance("lenet5", Device.cpu())) {
            model.setBlock(LeNet5.builder().setClasses(10).build());
            try (Trainer trainer =
                    model.newTrainer(new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()))) {
                trainer.initialize(new Shape(1, 1, 28, 28));
                Names.weighted(model.getBlock()).forEach(InitialisationTest::assertTorchDefault);
            }
        }
    }

    @Test
    void denseNetIsTorchvisions() {
        Block block = DenseNet121.builder().setClasses(10).build();
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 32, 32));

        Map<String, Block> layers = Names.weighted(block);
        Map<String, Parameter> parameters = Names.parameters(block);
        Block classifier = layers.remove("classifier");
        NDArray weight = classifier.getDirectParameters().get("weight").getArray();
        assertUniform("classifier.weight", weight, 1024);
        assertThat(parameters.get("classifier.bias").getArray().toFloatArray()).containsOnly(0f);
        layers.forEach(
                (name, conv) -> {
                    NDArray array = conv.getDirectParameters().get("weight").getArray();
                    double fanIn = (double) array.getShape().slice(1).size();
                    assertThat(variance(array))
                            .as(name)
                            .isCloseTo(2 / fanIn, Percentage.withPercentage(10));
                    // Normal, so not bounded as a uniform one of this variance would be.
                    assertThat(array.abs().max().getFloat())
                            .as(name)
                            .isGreaterThan((float) (3 * Math.sqrt(2 / fanIn)));
                });
    }

    @Test
    void batchNormsStartAsTheIdentity() {
        Block block = ResNet18.builder().setClasses(10).optWidth(4).build();
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 32, 32));

        Map<String, Parameter> parameters = Names.parameters(block);
        assertThat(parameters.get("bn1.gamma").getArray().toFloatArray()).containsOnly(1f);
        assertThat(parameters.get("bn1.beta").getArray().toFloatArray()).containsOnly(0f);
        assertThat(parameters.get("bn1.runningMean").getArray().toFloatArray()).containsOnly(0f);
        assertThat(parameters.get("bn1.runningVar").getArray().toFloatArray()).containsOnly(1f);
    }

    /** By hand: inputs 1 and 3 have mean 2, and PyTorch's momentum takes a tenth of it. */
    @Test
    void batchNormMovesByATenth() {
        Block norm = Layers.batchNorm();
        NDArray input = manager.create(new float[] {1, 3}, new Shape(2, 1, 1, 1));
        norm.initialize(manager, DataType.FLOAT32, input.getShape());

        ParameterStore store = new ParameterStore(manager, false);
        NDArray output = norm.forward(store, new NDList(input), true).singletonOrThrow();
        assertThat(norm.getDirectParameters().get("runningMean").getArray().getFloat())
                .isCloseTo(0.2f, within(1e-6f));
        // Variance 1, so (1 - 2) / sqrt(1 + epsilon).
        assertThat(output.getFloat(0, 0, 0, 0)).isCloseTo(-0.999995f, within(1e-6f));
    }

    private static void assertTorchDefault(String name, Block layer) {
        Shape weight = layer.getDirectParameters().get("weight").getShape();
        layer.getDirectParameters()
                .forEach(
                        parameter ->
                                assertUniform(
                                        name + "." + parameter.getKey(),
                                        parameter.getValue().getArray(),
                                        (double) weight.slice(1).size()));
    }

    private static void assertUniform(String name, NDArray array, double fanIn) {
        float bound = (float) (1 / Math.sqrt(fanIn));
        float largest = array.abs().max().getFloat();
        assertThat(largest).as(name).isLessThanOrEqualTo(bound);
        // Ten or more values: that all of them are small is as unlikely as 0.5^10.
        assertThat(largest).as(name).isGreaterThan(0.5f * bound);
        if (array.size() >= 500) {
            assertThat(largest).as(name).isGreaterThan(0.95f * bound);
            assertThat(variance(array))
                    .as(name)
                    .isCloseTo(1 / (3 * fanIn), Percentage.withPercentage(15));
        }
    }

    private static double variance(NDArray array) {
        return array.square().mean().getFloat() - Math.pow(array.mean().getFloat(), 2);
    }
}
