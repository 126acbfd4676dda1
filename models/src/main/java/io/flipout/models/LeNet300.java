package io.flipout.models;

/**
 * LeNet-300-100: three fully connected layers with ReLU, for small grey images such as MNIST.
 *
 * <pre>
 * (1, 28, 28) → 784 → 300 → 100 → 10
 * </pre>
 *
 * 266,610 parameters for 28x28 grey images and 10 classes, 266,200 of them prunable. The first
 * layer's inputs follow from the shape that the network is initialised with.
 *
 * @see <a href="http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf">LeCun et al., Gradient-based
 *     learning applied to document recognition, 1998</a>
 */
public final class LeNet300 extends Network {

    private LeNet300(Builder builder) {
        super(builder);
        add("flatten", Layers.flatten());
        add("fc1", Layers.linear(300));
        add("relu1", Layers.relu());
        add("fc2", Layers.linear(100));
        add("relu2", Layers.relu());
        add("fc3", Layers.linear(builder.classes()));
    }

    /**
     * Creates a builder; images are grey by default.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The builder of a {@link LeNet300}. */
    public static final class Builder extends Network.Builder<Builder> {

        private Builder() {
            super("LeNet300", 1);
        }

        /** {@inheritDoc} */
        @Override
        public LeNet300 build() {
            return new LeNet300(this);
        }

        @Override
        Builder self() {
            return this;
        }
    }
}
