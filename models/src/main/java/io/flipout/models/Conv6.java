package io.flipout.models;

/**
 * Conv-6: six 3×3 convolutions in pairs of 64, 128 and 256 filters, 2×2 max pooling after each
 * pair, and two hidden layers of 256 units (Frankle and Carbin, <a
 * href="https://arxiv.org/abs/1803.03635">The Lottery Ticket Hypothesis</a>, 2019).
 *
 * <p>2,262,602 parameters for 3×32×32 and 10 classes. Input (N, C, H, W) of at least 8×8, output
 * (N, classes).
 */
public final class Conv6 extends Stack {

    /**
     * Creates the network.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @throws IllegalArgumentException if a number is out of its range
     */
    public Conv6(int inputChannels, int classes) {
        Layers.check(inputChannels, classes);
        int conv = 1;
        int pair = 1;
        for (int filters : new int[] {64, 128, 256}) {
            for (int i = 0; i < 2; i++) {
                add("conv" + conv, FanIn.uniform(Layers.conv(filters, 3, 1, 1, true)));
                add("relu" + conv++, Layers.relu());
            }
            add("pool" + pair++, Layers.maxPool(2, 2, 0));
        }
        add("flatten", Layers.flatten());
        add("fc1", Layers.linear(256)).add("relu7", Layers.relu());
        add("fc2", Layers.linear(256)).add("relu8", Layers.relu());
        add("fc3", Layers.linear(classes));
    }
}
