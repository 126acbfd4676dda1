package io.flipout.models;

/**
 * LeNet-300-100: two hidden layers of 300 and 100 units (LeCun et al., <a
 * href="http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf">Gradient-based learning applied to
 * document recognition</a>, 1998).
 *
 * <p>266,610 parameters, 266,200 of them prunable, for 28×28 pixels and 10 classes. Input (N, C, H,
 * W) of any size, output (N, classes).
 */
public final class LeNet300 extends Stack {

    /**
     * Creates the network.
     *
     * @param inputChannels channels of the images; any number fits, as the images are flattened
     * @param classes the number of classes, at least 2
     * @throws IllegalArgumentException if a number is out of its range
     */
    public LeNet300(int inputChannels, int classes) {
        Layers.check(inputChannels, classes);
        add("flatten", Layers.flatten());
        add("fc1", Layers.linear(300)).add("relu1", Layers.relu());
        add("fc2", Layers.linear(100)).add("relu2", Layers.relu());
        add("fc3", Layers.linear(classes));
    }
}
