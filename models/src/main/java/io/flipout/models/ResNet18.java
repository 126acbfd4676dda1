package io.flipout.models;

/**
 * ResNet-18 in the form usual for 32x32 images: the first convolution is 3x3 without stride, and
 * there is no pooling after it.
 *
 * <pre>
 * (3, 32, 32) → 64 → 2 blocks of 64 → 128 → 256 → 512 → mean of each channel → 10
 * </pre>
 *
 * 11,173,962 parameters for colour images and 10 classes, 11,164,352 of them prunable, in 62
 * tensors. The last mean is over the whole image (4x4 for 32x32), so that other sizes work too.
 *
 * @see <a href="https://arxiv.org/abs/1512.03385">He et al., Deep residual learning for image
 *     recognition, 2016</a>
 */
public final class ResNet18 extends Network {

    private ResNet18(Builder builder) {
        super(builder);
        int width = builder.width;
        builder.checkPositive("channels as its width", width);
        add("conv1", Layers.convNoBias(width, 3, 1));
        add("bn1", Layers.batchNorm());
        add("relu", Layers.relu());
        add("layer1", stage(width, width, 1));
        add("layer2", stage(width, 2 * width, 2));
        add("layer3", stage(2 * width, 4 * width, 2));
        add("layer4", stage(4 * width, 8 * width, 2));
        add("avg_pool", Layers.globalAvgPool());
        add("linear", Layers.linear(builder.classes()));
    }

    private static Chain stage(int inputWidth, int width, int stride) {
        return new Chain()
                .add(new BasicBlock(inputWidth, width, stride))
                .add(new BasicBlock(width, width, 1));
    }

    /**
     * Creates a builder; images are in colour by default.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The builder of a {@link ResNet18}. */
    public static final class Builder extends Network.Builder<Builder> {

        private int width = 64;

        private Builder() {
            super("ResNet18", 3);
        }

        /**
         * Sets the number of channels of the first stage; the later ones have 2, 4 and 8 times as
         * many. The default is 64; a narrow network trains on a CPU.
         *
         * @param width the number of channels
         * @return this builder
         */
        public Builder optWidth(int width) {
            this.width = width;
            return this;
        }

        /** {@inheritDoc} */
        @Override
        public ResNet18 build() {
            return new ResNet18(this);
        }

        @Override
        Builder self() {
            return this;
        }
    }
}
