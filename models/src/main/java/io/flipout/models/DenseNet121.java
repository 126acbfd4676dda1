package io.flipout.models;

import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import ai.djl.util.PairList;

/**
 * DenseNet-121: four blocks of 6, 12, 24 and 16 layers, each of which sees the outputs of all
 * layers before it in its block and adds 32 channels (Huang et al., <a
 * href="https://arxiv.org/abs/1608.06993">Densely Connected Convolutional Networks</a>, 2016; in
 * the form of {@code torchvision}).
 *
 * <p>6,964,106 parameters, 6,880,448 of them prunable, for 3 channels and 10 classes. Input (N, C,
 * H, W), made for 224×224 and at least 32×32, output (N, classes).
 */
public final class DenseNet121 extends Stack {

    private static final int GROWTH = 32;
    private static final int BOTTLENECK = 4;
    private static final int STEM = 64;
    private static final int[] LAYERS = {6, 12, 24, 16};

    /**
     * Creates the network.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @throws IllegalArgumentException if a number is out of its range
     */
    public DenseNet121(int inputChannels, int classes) {
        Layers.check(inputChannels, classes);
        Stack features = new Stack();
        features.add("conv0", conv(STEM, 7, 2, 3));
        features.add("norm0", Layers.batchNorm()).add("relu0", Layers.relu());
        features.add("pool0", Layers.maxPool(3, 2, 1));
        int channels = STEM;
        for (int i = 0; i < LAYERS.length; i++) {
            Stack block = new Stack();
            for (int layer = 1; layer <= LAYERS[i]; layer++) {
                block.add("denselayer" + layer, new DenseLayer());
                channels += GROWTH;
            }
            features.add("denseblock" + (i + 1), block);
            if (i < LAYERS.length - 1) {
                channels /= 2;
                features.add("transition" + (i + 1), transition(channels));
            }
        }
        features.add("norm5", Layers.batchNorm());
        add("features", features);
        add("relu", Layers.relu());
        add("pool", Layers.globalAveragePool());
        add("classifier", classifier(classes));
    }

    private static Block conv(int filters, int kernel, int stride, int padding) {
        return FanIn.normal(Layers.conv(filters, kernel, stride, padding, false));
    }

    /** Halves the channels and the image. */
    private static Block transition(int filters) {
        return new Stack()
                .add("norm", Layers.batchNorm())
                .add("relu", Layers.relu())
                .add("conv", conv(filters, 1, 1, 0))
                .add("pool", Pool.avgPool2dBlock(new Shape(2, 2), new Shape(2, 2)));
    }

    private static Block classifier(int classes) {
        Linear linear = FanIn.uniform(Linear.builder().setUnits(classes).build());
        linear.setInitializer(Initializer.ZEROS, "bias");
        return linear;
    }

    /** Adds 32 channels to those it is given. */
    private static final class DenseLayer extends AbstractBlock {

        private final Stack grow =
                new Stack()
                        .add("norm1", Layers.batchNorm())
                        .add("relu1", Layers.relu())
                        .add("conv1", conv(BOTTLENECK * GROWTH, 1, 1, 0))
                        .add("norm2", Layers.batchNorm())
                        .add("relu2", Layers.relu())
                        .add("conv2", conv(GROWTH, 3, 1, 1));

        DenseLayer() {
            // The layers are this block's own, as in the original's names.
            grow.getChildren().forEach(pair -> children.add(pair));
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store,
                NDList inputs,
                boolean training,
                PairList<String, Object> params) {
            NDList added = grow.forward(store, inputs, training);
            return new NDList(NDArrays.concat(new NDList(inputs.head(), added.head()), 1));
        }

        @Override
        protected void initializeChildBlocks(
                NDManager manager, DataType dataType, Shape... inputShapes) {
            grow.initialize(manager, dataType, inputShapes);
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputShapes) {
            Shape in = inputShapes[0];
            return new Shape[] {new Shape(in.get(0), in.get(1) + GROWTH, in.get(2), in.get(3))};
        }
    }
}
