package io.flipout.models;

/**
 * Conv-6 of the lottery ticket paper: a small VGG without batch norm, for 32x32 images.
 *
 * <pre>
 * (3, 32, 32) → 64, 64, pool → 128, 128, pool → 256, 256, pool → 256 → 256 → 10
 * </pre>
 *
 * 2,262,602 parameters for 32x32 colour images and 10 classes, 2,261,184 of them prunable.
 * Convolutions are 3x3 with bias; ReLU follows every layer but the last. The first fully connected
 * layer's inputs follow from the shape that the network is initialised with.
 *
 * @see <a href="https://arxiv.org/abs/1803.03635">Frankle and Carbin, The lottery ticket
 *     hypothesis, 2019</a>
 */
public final class Conv6 extends Network {

    private Conv6(Builder builder) {
        super(builder);
        add("conv1", Layers.conv(64, 3, 1));
        add("relu1", Layers.relu());
        add("conv2", Layers.conv(64, 3, 1));
        add("relu2", Layers.relu());
        add("pool1", Layers.maxPool(2));
        add("conv3", Layers.conv(128, 3, 1));
        add("relu3", Layers.relu());
        add("conv4", Layers.conv(128, 3, 1));
        add("relu4", Layers.relu());
        add("pool2", Layers.maxPool(2));
        add("conv5", Layers.conv(256, 3, 1));
        add("relu5", Layers.relu());
        add("conv6", Layers.conv(256, 3, 1));
        add("relu6", Layers.relu());
        add("pool3", Layers.maxPool(2));
        add("flatten", Layers.flatten());
        add("fc1", Layers.linear(256));
        add("relu7", Layers.relu());
        add("fc2", Layers.linear(256));
        add("relu8", Layers.relu());
        add("fc3", Layers.linear(builder.classes()));
    }

    /**
     * Creates a builder; images are in colour by default.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The builder of a {@link Conv6}. */
    public static final class Builder extends Network.Builder<Builder> {

        private Builder() {
            super("Conv6", 3);
        }

        /** {@inheritDoc} */
        @Override
        public Conv6 build() {
            return new Conv6(this);
        }

        @Override
        Builder self() {
            return this;
        }
    }
}
