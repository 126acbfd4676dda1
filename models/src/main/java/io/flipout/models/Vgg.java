package io.flipout.models;

/**
 * VGG for small images: 3×3 convolutions with bias, batch normalisation and ReLU in five stages,
 * each ended by 2×2 max pooling, and one linear layer (Simonyan and Zisserman, <a
 * href="https://arxiv.org/abs/1409.1556">Very Deep Convolutional Networks</a>, 2014; in the form of
 * {@code pytorch-cifar}).
 *
 * <p>VGG-19 has 20,040,522 parameters, 20,024,000 of them prunable, for 3 channels and 10 classes.
 * Input (N, C, H, W) of at least 32×32, output (N, classes).
 */
public final class Vgg extends Stack {

    private static final int[] FILTERS = {64, 128, 256, 512, 512};

    /**
     * Creates the network.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @param convolutions the number of convolutions in each of the five stages
     * @throws IllegalArgumentException if a number is out of its range
     */
    private Vgg(int inputChannels, int classes, int... convolutions) {
        Layers.check(inputChannels, classes);
        Stack features = new Stack();
        int layer = 0;
        for (int stage = 0; stage < FILTERS.length; stage++) {
            for (int i = 0; i < convolutions[stage]; i++) {
                features.add(
                        name(layer++), FanIn.uniform(Layers.conv(FILTERS[stage], 3, 1, 1, true)));
                features.add(name(layer++), Layers.batchNorm());
                features.add(name(layer++), Layers.relu());
            }
            features.add(name(layer++), Layers.maxPool(2, 2, 0));
        }
        add("features", features);
        add("pool", Layers.globalAveragePool());
        add("classifier", Layers.linear(classes));
    }

    private static String name(int layer) {
        return Integer.toString(layer);
    }

    /**
     * Creates a VGG-13.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @return the network: 9,416,010 parameters for 3 channels and 10 classes
     * @throws IllegalArgumentException if a number is out of its range
     */
    public static Vgg vgg13(int inputChannels, int classes) {
        return new Vgg(inputChannels, classes, 2, 2, 2, 2, 2);
    }

    /**
     * Creates a VGG-16.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @return the network: 14,728,266 parameters for 3 channels and 10 classes
     * @throws IllegalArgumentException if a number is out of its range
     */
    public static Vgg vgg16(int inputChannels, int classes) {
        return new Vgg(inputChannels, classes, 2, 2, 3, 3, 3);
    }

    /**
     * Creates a VGG-19.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @return the network: 20,040,522 parameters for 3 channels and 10 classes
     * @throws IllegalArgumentException if a number is out of its range
     */
    public static Vgg vgg19(int inputChannels, int classes) {
        return new Vgg(inputChannels, classes, 2, 2, 4, 4, 4);
    }
}
