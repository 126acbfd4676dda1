package io.flipout.models;

import java.util.List;
import java.util.Map;

/**
 * VGG with batch norm and one fully connected layer, in the form usual for 32x32 images: five
 * stages of 3x3 convolutions with bias, each stage halving the image.
 *
 * <pre>
 * (3, 32, 32) → 64 → 128 → 256 → 512 → 512 → mean of each channel → 10
 * </pre>
 *
 * <table>
 * <caption>Parameters for colour images and 10 classes</caption>
 * <tr><th>depth</th><th>convolutions a stage</th><th>parameters</th><th>prunable</th></tr>
 * <tr><td>13</td><td>2, 2, 2, 2, 2</td><td>9,416,010</td><td>9,407,168</td></tr>
 * <tr><td>16</td><td>2, 2, 3, 3, 3</td><td>14,728,266</td><td>14,715,584</td></tr>
 * <tr><td>19</td><td>2, 2, 4, 4, 4</td><td>20,040,522</td><td>20,024,000</td></tr>
 * </table>
 *
 * Images need 32 pixels a side or more.
 *
 * @see <a href="https://arxiv.org/abs/1409.1556">Simonyan and Zisserman, Very deep convolutional
 *     networks for large-scale image recognition, 2015</a>
 */
public final class Vgg extends Network {

    private static final List<Integer> WIDTHS = List.of(64, 128, 256, 512, 512);

    private static final Map<Integer, List<Integer>> CONVOLUTIONS =
            Map.of(
                    13, List.of(2, 2, 2, 2, 2),
                    16, List.of(2, 2, 3, 3, 3),
                    19, List.of(2, 2, 4, 4, 4));

    private Vgg(Builder builder) {
        super(builder);
        List<Integer> convolutions = CONVOLUTIONS.get(builder.depth);
        Chain features = new Chain();
        for (int stage = 0; stage < WIDTHS.size(); stage++) {
            for (int i = 0; i < convolutions.get(stage); i++) {
                features.add(Layers.conv(WIDTHS.get(stage), 3, 1))
                        .add(Layers.batchNorm())
                        .add(Layers.relu());
            }
            features.add(Layers.maxPool(2));
        }
        features.add(Layers.globalAvgPool());
        add("features", features);
        add("classifier", Layers.linear(builder.classes()));
    }

    /**
     * Creates a builder; images are in colour by default.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The builder of a {@link Vgg}. */
    public static final class Builder extends Network.Builder<Builder> {

        private int depth;

        private Builder() {
            super("VGG", 3);
        }

        /**
         * Sets the number of layers with weights.
         *
         * @param depth 13, 16 or 19
         * @return this builder
         */
        public Builder setDepth(int depth) {
            this.depth = depth;
            return this;
        }

        /**
         * {@inheritDoc}
         *
         * @throws IllegalArgumentException also if the depth is not 13, 16 or 19
         */
        @Override
        public Vgg build() {
            if (!CONVOLUTIONS.containsKey(depth)) {
                throw new IllegalArgumentException(
                        "VGG has a depth of 13, 16 or 19, not " + depth + ".");
            }
            return new Vgg(this);
        }

        @Override
        Builder self() {
            return this;
        }
    }
}
