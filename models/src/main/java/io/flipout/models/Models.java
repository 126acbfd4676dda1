package io.flipout.models;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** The networks by name. */
@SuppressWarnings("ImmutableEnumChecker") // Shape and the builders' factories do not change.
public enum Models {
    /** {@link LeNet300}. */
    LENET300("LeNet-300-100, fully connected", new Shape(1, 28, 28), LeNet300::builder),
    /** {@link LeNet5}. */
    LENET5("LeNet-5 as in Caffe, two convolutions", new Shape(1, 28, 28), LeNet5::builder),
    /** {@link Conv6}. */
    CONV6("Conv-6 of the lottery ticket paper", new Shape(3, 32, 32), Conv6::builder),
    /** {@link ResNet18}. */
    RESNET18("ResNet-18 for 32x32 images", new Shape(3, 32, 32), ResNet18::builder),
    /** {@link Vgg} of depth 13. */
    VGG13("VGG-13 with batch norm", new Shape(3, 32, 32), () -> Vgg.builder().setDepth(13)),
    /** {@link Vgg} of depth 16. */
    VGG16("VGG-16 with batch norm", new Shape(3, 32, 32), () -> Vgg.builder().setDepth(16)),
    /** {@link Vgg} of depth 19. */
    VGG19("VGG-19 with batch norm", new Shape(3, 32, 32), () -> Vgg.builder().setDepth(19)),
    /** {@link DenseNet121}. */
    DENSENET121("DenseNet-121 as in torchvision", new Shape(3, 224, 224), DenseNet121::builder);

    private final String description;
    private final Shape inputShape;
    private final Supplier<Network.Builder<?>> builder;

    Models(String description, Shape inputShape, Supplier<Network.Builder<?>> builder) {
        this.description = description;
        this.inputShape = inputShape;
        this.builder = builder;
    }

    /**
     * Returns the names of all networks.
     *
     * @return the names, in the order of this enum
     */
    public static List<String> names() {
        return Arrays.stream(values()).map(Models::id).toList();
    }

    /**
     * Finds a network by its name.
     *
     * @param name a name of {@link #names()}; case does not matter
     * @return the network
     * @throws IllegalArgumentException if there is no such network
     */
    public static Models get(String name) {
        return Arrays.stream(values())
                .filter(model -> model.id().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        String.format(
                                                Locale.ROOT,
                                                "There is no model '%s'; there are %s.",
                                                name,
                                                String.join(", ", names()))));
    }

    /**
     * Returns the name to find this network by.
     *
     * @return the name, in lower case
     */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Says in one line what this network is.
     *
     * @return the description
     */
    public String description() {
        return description;
    }

    /**
     * Returns the shape of the images that this network is usually trained on.
     *
     * @return the shape without the batch: (channels, height, width)
     */
    public Shape inputShape() {
        return inputShape;
    }

    /**
     * Builds this network; its weights come with {@code initialize}.
     *
     * @param inputChannels the number of channels of the images
     * @param classes the number of classes
     * @return a new network
     * @throws IllegalArgumentException if a number is not positive
     */
    public Block newBlock(int inputChannels, int classes) {
        return build(builder.get(), inputChannels, classes);
    }

    /**
     * Tells whether this network can be made narrower or wider.
     *
     * @return true if {@link #newBlock(int, int, int)} builds it
     */
    public boolean hasWidth() {
        return this == RESNET18;
    }

    /**
     * Builds this network with another number of channels.
     *
     * @param inputChannels the number of channels of the images
     * @param classes the number of classes
     * @param width the number of channels of the first layer; later layers keep their ratios to it
     * @return a new network
     * @throws IllegalArgumentException if a number is not positive, or this network has one width
     *     only
     */
    public Block newBlock(int inputChannels, int classes, int width) {
        if (!(builder.get() instanceof ResNet18.Builder network)) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "%s comes in one width only; %s has others.",
                            id(),
                            RESNET18.id()));
        }
        return build(network.optWidth(width), inputChannels, classes);
    }

    private static Block build(Network.Builder<?> network, int inputChannels, int classes) {
        network.optInputChannels(inputChannels);
        network.setClasses(classes);
        return network.build();
    }
}
