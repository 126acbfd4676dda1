package io.flipout.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import org.junit.jupiter.api.Test;

/** What the builders take, and what they refuse. */
class NetworkTest {

    @Test
    void classesMustBeSet() {
        assertRefused(
                () -> LeNet5.builder().build(),
                "LeNet5 needs a positive number of classes, not 0.");
    }

    @Test
    void channelsMustBePositive() {
        assertRefused(
                () -> DenseNet121.builder().setClasses(10).optInputChannels(-1).build(),
                "DenseNet121 needs a positive number of input channels, not -1.");
    }

    @Test
    void widthMustBePositive() {
        assertRefused(
                () -> ResNet18.builder().setClasses(10).optWidth(0).build(),
                "ResNet18 needs a positive number of channels as its width, not 0.");
    }

    @Test
    void vggHasThreeDepths() {
        assertRefused(
                () -> Vgg.builder().setDepth(11).setClasses(10).build(),
                "VGG has a depth of 13, 16 or 19, not 11.");
    }

    @Test
    void inputMustHaveTheChannelsOfTheBuilder() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            Block network = Conv6.builder().setClasses(10).build();
            assertRefused(
                    () -> network.initialize(manager, DataType.FLOAT32, new Shape(8, 1, 32, 32)),
                    "Conv6 takes input of shape (batch, 3, height, width), not (8, 1, 32, 32).");
            assertRefused(
                    () -> network.initialize(manager, DataType.FLOAT32, new Shape(8, 3072)),
                    "Conv6 takes input of shape (batch, 3, height, width), not (8, 3072).");
        }
    }

    @Test
    void imagesThatAreTooSmallAreRefused() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            Block network = Vgg.builder().setDepth(13).setClasses(10).build();
            assertThatThrownBy(
                            () ->
                                    network.initialize(
                                            manager, DataType.FLOAT32, new Shape(1, 3, 28, 28)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("Vgg cannot take images of 28×28");
        }
    }

    @Test
    void widthScalesEveryStage() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            Block narrow = ResNet18.builder().setClasses(10).optWidth(4).build();
            narrow.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 32, 32));

            assertThat(Names.parameters(narrow).get("layer4.1.conv2.weight").getShape())
                    .isEqualTo(new Shape(32, 32, 3, 3));
            assertThat(Names.parameters(narrow).get("linear.weight").getShape())
                    .isEqualTo(new Shape(10, 32));
        }
    }

    @Test
    void inputSizeIsFreeBehindAMean() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            Shape large = new Shape(1, 3, 64, 48);
            assertThat(
                            ResNet18.builder()
                                    .setClasses(10)
                                    .build()
                                    .getOutputShapes(new Shape[] {large}))
                    .containsExactly(new Shape(1, 10));
            Block lenet = LeNet300.builder().setClasses(10).optInputChannels(3).build();
            lenet.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 8, 8));
            assertThat(Names.parameters(lenet).get("fc1.weight").getShape())
                    .isEqualTo(new Shape(300, 192));
        }
    }

    private static void assertRefused(Runnable call, String sentence) {
        assertThatThrownBy(call::run)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(sentence);
    }
}
