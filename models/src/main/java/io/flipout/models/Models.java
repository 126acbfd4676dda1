package io.flipout.models;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.stream.Collectors;

/** The networks by name. */
public enum Models {
    /** See {@link LeNet300}. */
    LENET300("LeNet-300-100, two hidden layers", new Shape(1, 28, 28), LeNet300::new),
    /** See {@link LeNet5}. */
    LENET5("LeNet-5, two convolutions", new Shape(1, 28, 28), LeNet5::new),
    /** See {@link Conv6}. */
    CONV6("Conv-6, six convolutions", new Shape(3, 32, 32), Conv6::new),
    /** See {@link ResNet18}. */
    RESNET18("ResNet-18 for 32×32 pixels", new Shape(3, 32, 32), ResNet18::new),
    /** See {@link Vgg#vgg13}. */
    VGG13("VGG-13 for 32×32 pixels", new Shape(3, 32, 32), Vgg::vgg13),
    /** See {@link Vgg#vgg16}. */
    VGG16("VGG-16 for 32×32 pixels", new Shape(3, 32, 32), Vgg::vgg16),
    /** See {@link Vgg#vgg19}. */
    VGG19("VGG-19 for 32×32 pixels", new Shape(3, 32, 32), Vgg::vgg19),
    /** See {@link DenseNet121}. */
    DENSENET121("DenseNet-121 for 224×224 pixels", new Shape(3, 224, 224), DenseNet121::new);

    private final String description;
    private final Shape image;
    private final BiFunction<Integer, Integer, Block> constructor;

    Models(String description, Shape image, BiFunction<Integer, Integer, Block> constructor) {
        this.description = description;
        this.image = image;
        this.constructor = constructor;
    }

    /**
     * Returns the network of a name.
     *
     * @param name the name in lower case, such as {@code resnet18}
     * @return the network
     * @throws IllegalArgumentException if there is none; the message lists what exists
     */
    public static Models named(String name) {
        return Arrays.stream(values())
                .filter(model -> model.modelName().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "Unknown model '"
                                                + name
                                                + "'; there are "
                                                + String.join(", ", names())
                                                + "."));
    }

    /**
     * Lists the names.
     *
     * @return the names in lower case
     */
    public static List<String> names() {
        return Arrays.stream(values()).map(Models::modelName).collect(Collectors.toList());
    }

    /**
     * Returns the network's name.
     *
     * @return the name in lower case
     */
    public String modelName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Describes the network in a few words.
     *
     * @return the description
     */
    public String description() {
        return description;
    }

    /**
     * Returns the image that the network was made for.
     *
     * @return (C, H, W)
     */
    public Shape image() {
        return image;
    }

    /**
     * Makes the network, not yet initialised.
     *
     * @param inputChannels channels of the images, at least 1
     * @param classes the number of classes, at least 2
     * @return the network: input (N, C, H, W), output (N, classes)
     * @throws IllegalArgumentException if a number is out of its range
     */
    public Block newBlock(int inputChannels, int classes) {
        return constructor.apply(inputChannels, classes);
    }
}
