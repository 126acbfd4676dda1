package io.flipout.models;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.initializer.Initializer;

/**
 * DenseNet-121 in torchvision's form, for 224x224 images: in four dense blocks every layer sees the
 * outputs of all layers before it and adds 32 channels; a transition between two blocks halves the
 * channels and the image.
 *
 * <pre>
 * (3, 224, 224) → conv 7x7/2, pool 3/2 → 6 layers → 12 → 24 → 16 → mean of each channel → 10
 * </pre>
 *
 * 6,964,106 parameters for colour images and 10 classes, 6,880,448 of them prunable, in 364
 * tensors. As in torchvision, convolutions start from He et al.'s normal distribution and the last
 * bias from 0. Images need 29 pixels a side or more.
 *
 * @see <a href="https://arxiv.org/abs/1608.06993">Huang et al., Densely connected convolutional
 *     networks, 2017</a>
 */
public final class DenseNet121 extends Network {

    private static final int STEM = 64;
    private static final int GROWTH = 32;
    private static final int BOTTLENECK = 4 * GROWTH;
    private static final int[] LAYERS = {6, 12, 24, 16};

    private DenseNet121(Builder builder) {
        super(builder);
        add("features", features());
        add("classifier", classifier(builder.classes()));
    }

    private static Block features() {
        Chain features =
                new Chain()
                        .add("conv0", Layers.convNoBias(STEM, 7, 2))
                        .add("norm0", Layers.batchNorm())
                        .add("relu0", Layers.relu())
                        .add("pool0", Layers.maxPool(3, 2, 1));
        int channels = STEM;
        for (int i = 1; i <= LAYERS.length; i++) {
            features.add("denseblock" + i, denseBlock(LAYERS[i - 1]));
            channels += LAYERS[i - 1] * GROWTH;
            if (i < LAYERS.length) {
                channels /= 2;
                features.add("transition" + i, transition(channels));
            }
        }
        features.add("norm5", Layers.batchNorm())
                .add("relu5", Layers.relu())
                .add("pool5", Layers.globalAvgPool());
        features.setInitializer(TorchInitializers.kaimingNormal(), Parameter.Type.WEIGHT);
        return features;
    }

    private static Block denseBlock(int layers) {
        Chain block = new Chain();
        for (int i = 1; i <= layers; i++) {
            block.add("denselayer" + i, new DenseLayer(GROWTH, BOTTLENECK));
        }
        return block;
    }

    private static Block transition(int channels) {
        return new Chain()
                .add("norm", Layers.batchNorm())
                .add("relu", Layers.relu())
                .add("conv", Layers.convNoBias(channels, 1, 1))
                .add("pool", Layers.avgPool(2));
    }

    private static Block classifier(int classes) {
        Block classifier = Layers.linear(classes);
        classifier.setInitializer(Initializer.ZEROS, "bias");
        return classifier;
    }

    /**
     * Creates a builder; images are in colour by default.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The builder of a {@link DenseNet121}. */
    public static final class Builder extends Network.Builder<Builder> {

        private Builder() {
            super("DenseNet121", 3);
        }

        /** {@inheritDoc} */
        @Override
        public DenseNet121 build() {
            return new DenseNet121(this);
        }

        @Override
        Builder self() {
            return this;
        }
    }
}
