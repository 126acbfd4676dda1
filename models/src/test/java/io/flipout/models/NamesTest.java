package io.flipout.models;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import org.junit.jupiter.api.Test;

/** Names, and the shapes behind them, are those of the PyTorch originals. */
class NamesTest {

    @Test
    void resNet18() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            Block block = initialized(Models.RESNET18, manager, new Shape(1, 3, 32, 32));

            assertThat(Names.weighted(block).keySet())
                    .containsExactly(
                            "conv1",
                            "layer1.0.conv1",
                            "layer1.0.conv2",
                            "layer1.1.conv1",
                            "layer1.1.conv2",
                            "layer2.0.conv1",
                            "layer2.0.conv2",
                            "layer2.0.shortcut.0",
                            "layer2.1.conv1",
                            "layer2.1.conv2",
                            "layer3.0.conv1",
                            "layer3.0.conv2",
                            "layer3.0.shortcut.0",
                            "layer3.1.conv1",
                            "layer3.1.conv2",
                            "layer4.0.conv1",
                            "layer4.0.conv2",
                            "layer4.0.shortcut.0",
                            "layer4.1.conv1",
                            "layer4.1.conv2",
                            "linear");
            assertThat(Names.trainable(block))
                    .hasSize(62)
                    .containsKeys(
                            "conv1.weight",
                            "bn1.gamma",
                            "layer1.0.bn2.beta",
                            "layer2.0.shortcut.1.gamma",
                            "linear.weight",
                            "linear.bias");
            assertThat(shape(block, "layer2.0.shortcut.0.weight"))
                    .isEqualTo(new Shape(128, 64, 1, 1));
            assertThat(shape(block, "linear.weight")).isEqualTo(new Shape(10, 512));
            assertThat(input(block, "layer1.0.conv1")).isEqualTo(new Shape(1, 64, 32, 32));
            assertThat(input(block, "layer2.0.conv2")).isEqualTo(new Shape(1, 128, 16, 16));
            assertThat(input(block, "layer4.1.conv2")).isEqualTo(new Shape(1, 512, 4, 4));
            assertThat(input(block, "linear")).isEqualTo(new Shape(1, 512));
        }
    }

    @Test
    void vgg19() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            Block block = initialized(Models.VGG19, manager, new Shape(1, 3, 32, 32));

            assertThat(Names.weighted(block).keySet())
                    .startsWith("features.0", "features.3", "features.7", "features.10")
                    .endsWith("features.46", "features.49", "classifier");
            assertThat(Names.parameters(block))
                    .containsKeys("features.0.bias", "features.1.gamma", "classifier.weight");
            assertThat(input(block, "features.49")).isEqualTo(new Shape(1, 512, 2, 2));
        }
    }

    @Test
    void denseNet121() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            Block block = initialized(Models.DENSENET121, manager, new Shape(1, 3, 224, 224));

            assertThat(Names.weighted(block).keySet())
                    .startsWith("features.conv0", "features.denseblock1.denselayer1.conv1")
                    .contains("features.transition3.conv")
                    .endsWith("features.denseblock4.denselayer16.conv2", "classifier");
            assertThat(Names.parameters(block))
                    .containsKeys(
                            "features.norm0.gamma",
                            "features.denseblock1.denselayer1.norm1.gamma",
                            "features.norm5.beta");
            assertThat(input(block, "features.denseblock1.denselayer6.conv1"))
                    .isEqualTo(new Shape(1, 224, 56, 56));
            assertThat(shape(block, "features.denseblock4.denselayer16.conv1.weight"))
                    .isEqualTo(new Shape(128, 992, 1, 1));
            assertThat(input(block, "classifier")).isEqualTo(new Shape(1, 1024));
        }
    }

    @Test
    void smallNetworks() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            assertThat(
                            Names.weighted(
                                            initialized(
                                                    Models.LENET300,
                                                    manager,
                                                    new Shape(1, 1, 28, 28)))
                                    .keySet())
                    .containsExactly("fc1", "fc2", "fc3");
            assertThat(
                            Names.weighted(
                                            initialized(
                                                    Models.LENET5,
                                                    manager,
                                                    new Shape(1, 1, 28, 28)))
                                    .keySet())
                    .containsExactly("conv1", "conv2", "fc1", "fc2");
        }
    }

    private static Block initialized(Models model, NDManager manager, Shape input) {
        Block block = model.newBlock((int) input.get(1), 10);
        block.initialize(manager, DataType.FLOAT32, input);
        return block;
    }

    private static Shape shape(Block block, String parameter) {
        return Names.parameters(block).get(parameter).getShape();
    }

    private static Shape input(Block block, String layer) {
        return Names.layers(block).get(layer).describeInput().valueAt(0);
    }
}
