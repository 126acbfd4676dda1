package io.flipout.models;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;

/** The layers that the networks are made of, initialised as in PyTorch. */
final class Layers {

    private Layers() {}

    /** A square convolution. */
    static Conv2d conv(int filters, int kernel, int stride, int padding, boolean bias) {
        return Conv2d.builder()
                .setFilters(filters)
                .setKernelShape(new Shape(kernel, kernel))
                .optStride(new Shape(stride, stride))
                .optPadding(new Shape(padding, padding))
                .optBias(bias)
                .build();
    }

    static Block linear(int units) {
        return FanIn.uniform(Linear.builder().setUnits(units).build());
    }

    /** Batch normalisation with ε = 1e-5; DJL's momentum 0.9 is PyTorch's 0.1. */
    static Block batchNorm() {
        return BatchNorm.builder().optEpsilon(1e-5f).optMomentum(0.9f).build();
    }

    static Block relu() {
        return Activation.reluBlock();
    }

    static Block maxPool(int kernel, int stride, int padding) {
        return Pool.maxPool2dBlock(
                new Shape(kernel, kernel), new Shape(stride, stride), new Shape(padding, padding));
    }

    /** Averages each channel over the whole image, and leaves (N, C). */
    static Block globalAveragePool() {
        return Pool.globalAvgPool2dBlock();
    }

    static Block flatten() {
        return Blocks.batchFlattenBlock();
    }

    static void check(int inputChannels, int classes) {
        if (inputChannels < 1) {
            throw new IllegalArgumentException(
                    "A network needs at least 1 input channel, got " + inputChannels);
        }
        if (classes < 2) {
            throw new IllegalArgumentException(
                    "A classifier needs at least 2 classes, got " + classes);
        }
    }
}
