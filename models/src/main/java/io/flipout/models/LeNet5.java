package io.flipout.models;

/**
 * LeNet-5 in the form of the pruning literature: two 5×5 convolutions of 20 and 50 filters, 2×2 max
 * pooling after each, and a hidden layer of 500 units (LeCun et al., <a
 * href="http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf">Gradient-based learning applied to
 * document recognition</a>, 1998).
 *
 * <p>431,080 parameters for 1×28×28 and 10 classes. Input (N, C, H, W) of at least 16×16, output
 * (N, classes).
 */
public final class LeNet5 extends Stack {

    /**
     * Creates the network.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @throws IllegalArgumentException if a number is out of its range
     */
    public LeNet5(int inputChannels, int classes) {
        Layers.check(inputChannels, classes);
        add("conv1", FanIn.uniform(Layers.conv(20, 5, 1, 0, true)));
        add("pool1", Layers.maxPool(2, 2, 0));
        add("conv2", FanIn.uniform(Layers.conv(50, 5, 1, 0, true)));
        add("pool2", Layers.maxPool(2, 2, 0));
        add("flatten", Layers.flatten());
        add("fc1", Layers.linear(500)).add("relu", Layers.relu());
        add("fc2", Layers.linear(classes));
    }
}
