package io.flipout.inference;

import ai.djl.basicmodelzoo.basic.Mlp;
import ai.djl.basicmodelzoo.cv.classification.AlexNet;
import ai.djl.basicmodelzoo.cv.classification.GoogLeNet;
import ai.djl.basicmodelzoo.cv.classification.MobileNetV1;
import ai.djl.basicmodelzoo.cv.classification.MobileNetV2;
import ai.djl.basicmodelzoo.cv.classification.ResNetV1;
import ai.djl.basicmodelzoo.cv.classification.SqueezeNet;
import ai.djl.basicmodelzoo.cv.classification.VGG;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.flipout.models.Conv6;
import io.flipout.models.DenseNet121;
import io.flipout.models.LeNet300;
import io.flipout.models.LeNet5;
import io.flipout.models.ResNet18;
import io.flipout.models.Vgg;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Networks with weights as pruning leaves them, and whole filters and channels gone. */
public final class PrunedNetworks {

    private PrunedNetworks() {}

    /** Small images, as networks work on any; the sizes differ, so that rows are not columns. */
    public static Stream<Arguments> all() {
        return Stream.of(
                network(
                        "LeNet-300-100",
                        () -> LeNet300.builder().setClasses(10).build(),
                        1,
                        28,
                        28),
                network("LeNet-5", () -> LeNet5.builder().setClasses(10).build(), 1, 28, 28),
                network("Conv-6", () -> Conv6.builder().setClasses(10).build(), 3, 32, 32),
                network("ResNet-18", () -> resnet(8), 3, 20, 28),
                network(
                        "VGG-13",
                        () -> Vgg.builder().setDepth(13).setClasses(9).build(),
                        3,
                        32,
                        32),
                network(
                        "DenseNet-121",
                        () -> DenseNet121.builder().setClasses(5).build(),
                        3,
                        33,
                        40),
                network("MLP", () -> new Mlp(30, 7, new int[] {20, 10}), 30),
                network("AlexNet", () -> AlexNet.builder().build(), 1, 224, 224),
                network("GoogLeNet", () -> GoogLeNet.builder().build(), 1, 48, 40),
                network("zoo's VGG", () -> VGG.builder().build(), 1, 64, 64),
                network("SqueezeNet", () -> SqueezeNet.squeezenet(10), 3, 64, 56),
                network(
                        "MobileNetV1",
                        () -> MobileNetV1.builder().setOutSize(9).build(),
                        3,
                        32,
                        40),
                network(
                        "MobileNetV2",
                        () -> MobileNetV2.builder().setOutSize(9).build(),
                        3,
                        32,
                        40),
                network("ResNet-50", () -> zooResNet(50), 3, 32, 32));
    }

    private static Arguments network(String name, Supplier<Block> block, int... shape) {
        return Arguments.of(name, block, shape);
    }

    /** A ResNet-18 whose first stage has so many channels. */
    public static Block resnet(int width) {
        return ResNet18.builder().setClasses(10).optWidth(width).build();
    }

    private static Block zooResNet(int layers) {
        return ResNetV1.builder()
                .setNumLayers(layers)
                .setOutSize(9)
                .setImageShape(new Shape(3, 32, 32))
                .build();
    }

    /** The shape of so many images. */
    public static Shape batch(int size, int... shape) {
        long[] sizes = new long[shape.length + 1];
        sizes[0] = size;
        for (int i = 0; i < shape.length; i++) {
            sizes[i + 1] = shape[i];
        }
        return new Shape(sizes);
    }

    /**
     * Random weights, biases and statistics; then prunes weights at random, with whole filters and
     * channels among them, so that some channels are constant and some are not read.
     */
    public static Block pruned(Block block, NDManager manager, double sparsity, int... shape) {
        Engine.getInstance().setRandomSeed(7);
        block.initialize(manager, DataType.FLOAT32, batch(1, shape));
        Random random = new Random(11);
        // So that the outputs are neither lost in the biases nor grow from layer to layer.
        float gain = (float) Math.sqrt(1 / (1 - sparsity) / (1 - sparsity / 2));
        for (Parameter parameter : block.getParameters().values()) {
            NDArray array = parameter.getArray();
            float[] numbers = array.toFloatArray();
            boolean isWeight = array.getShape().dimension() > 1;
            int filters = (int) array.getShape().get(0);
            int size = numbers.length / filters;
            for (int filter = 0; filter < filters; filter++) {
                boolean gone = random.nextDouble() < sparsity / 2;
                for (int i = 0; i < size; i++) {
                    int at = filter * size + i;
                    if (isWeight) {
                        boolean kept = !gone && random.nextDouble() >= sparsity;
                        numbers[at] = kept ? numbers[at] * gain : 0;
                    } else if (parameter.getType() == Parameter.Type.RUNNING_VAR) {
                        numbers[at] = 0.5f + random.nextFloat();
                    } else {
                        numbers[at] += 0.3f * (random.nextFloat() - 0.5f);
                    }
                }
            }
            NDArray changed = manager.create(numbers, array.getShape());
            changed.copyTo(array);
            changed.close();
        }
        return block;
    }

    /** Random images. */
    public static float[] images(int count, int... shape) {
        Random random = new Random(3);
        float[] images = new float[count * Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < images.length; i++) {
            images[i] = (float) random.nextGaussian();
        }
        return images;
    }
}
