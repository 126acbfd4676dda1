package io.flipout.models;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.initializer.Initializer;
import ai.djl.util.PairList;
import java.util.List;

/** The layers that the networks are made of, with PyTorch's defaults. */
final class Layers {

    private Layers() {}

    /** A convolution with bias and stride 1. */
    static Block conv(int filters, int kernel, int padding) {
        return conv(filters, kernel, 1, padding, true);
    }

    /** A convolution without bias, padded so that stride 1 keeps the image's size. */
    static Block convNoBias(int filters, int kernel, int stride) {
        return conv(filters, kernel, stride, kernel / 2, false);
    }

    private static Block conv(int filters, int kernel, int stride, int padding, boolean bias) {
        return torchInitialized(
                Conv2d.builder()
                        .setKernelShape(square(kernel))
                        .setFilters(filters)
                        .optStride(square(stride))
                        .optPadding(square(padding))
                        .optBias(bias)
                        .build());
    }

    /** A fully connected layer with bias. */
    static Block linear(int units) {
        return torchInitialized(new Linear(units));
    }

    static Block batchNorm() {
        // DJL's momentum weighs the old mean, PyTorch's the new one: 0.9 here is 0.1 there.
        return BatchNorm.builder().optEpsilon(1e-5f).optMomentum(0.9f).build();
    }

    static Block relu() {
        return Activation.reluBlock();
    }

    static Block maxPool(int kernel) {
        return maxPool(kernel, kernel, 0);
    }

    static Block maxPool(int kernel, int stride, int padding) {
        return Pool.maxPool2dBlock(square(kernel), square(stride), square(padding));
    }

    static Block avgPool(int kernel) {
        return Pool.avgPool2dBlock(square(kernel), square(kernel));
    }

    /** The mean of every channel: (batch, channels, height, width) to (batch, channels). */
    static Block globalAvgPool() {
        return Pool.globalAvgPool2dBlock();
    }

    static Block flatten() {
        return Blocks.batchFlattenBlock();
    }

    private static Shape square(int side) {
        return new Shape(side, side);
    }

    private static Block torchInitialized(Block layer) {
        Initializer initializer =
                TorchInitializers.uniform(layer.getDirectParameters().get("weight"));
        for (Parameter parameter : layer.getDirectParameters().values()) {
            parameter.setInitializer(initializer);
        }
        return layer;
    }

    /** DJL's linear layer describes its input without the features; this one gives them back. */
    private static final class Linear extends ai.djl.nn.core.Linear {

        Linear(int units) {
            super(ai.djl.nn.core.Linear.builder().setUnits(units));
        }

        @Override
        public PairList<String, Shape> describeInput() {
            PairList<String, Shape> input = super.describeInput();
            long features = getDirectParameters().get("weight").getShape().get(1);
            return new PairList<>(input.keys(), List.of(input.valueAt(0).add(features)));
        }

        @Override
        public Shape[] getInputShapes() {
            return new Shape[] {describeInput().valueAt(0)};
        }
    }
}
