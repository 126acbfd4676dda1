package io.flipout.models;

/**
 * LeNet-5 in the form that came with Caffe and that the pruning literature uses: two convolutions,
 * two fully connected layers, for small grey images such as MNIST.
 *
 * <pre>
 * (1, 28, 28) → conv 20@5x5 → pool 2 → conv 50@5x5 → pool 2 → 500 → 10
 * </pre>
 *
 * 431,080 parameters for 28x28 grey images and 10 classes, 430,500 of them prunable. ReLU follows
 * every layer but the last, as in SNIP and L0; Caffe's own has one after the 500 units only. The
 * first fully connected layer's inputs follow from the shape that the network is initialised with.
 *
 * @see <a href="http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf">LeCun et al., Gradient-based
 *     learning applied to document recognition, 1998</a>
 */
public final class LeNet5 extends Network {

    private LeNet5(Builder builder) {
        super(builder);
        add("conv1", Layers.conv(20, 5, 0));
        add("relu1", Layers.relu());
        add("pool1", Layers.maxPool(2));
        add("conv2", Layers.conv(50, 5, 0));
        add("relu2", Layers.relu());
        add("pool2", Layers.maxPool(2));
        add("flatten", Layers.flatten());
        add("fc1", Layers.linear(500));
        add("relu3", Layers.relu());
        add("fc2", Layers.linear(builder.classes()));
    }

    /**
     * Creates a builder; images are grey by default.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The builder of a {@link LeNet5}. */
    public static final class Builder extends Network.Builder<Builder> {

        private Builder() {
            super("LeNet5", 1);
        }

        /** {@inheritDoc} */
        @Override
        public LeNet5 build() {
            return new LeNet5(this);
        }

        @Override
        Builder self() {
            return this;
        }
    }
}
