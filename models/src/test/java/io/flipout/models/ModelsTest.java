package io.flipout.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What holds for every network of the registry. */
class ModelsTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager(Device.cpu());
        Engine.getInstance().setRandomSeed(42);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /**
     * The counts of ResNet18, VGG19 and DenseNet121 are those of the FlipOut authors' logs. VGG13
     * by hand: 1,728 + 36,864 + 73,728 + 147,456 + 294,912 + 589,824 + 1,179,648 + 3 * 2,359,296
     * conv weights and 5,120 linear ones are prunable; 2,944 channels have a bias, a gamma and a
     * beta each; 10 classes have a bias. VGG16 adds one conv of 256 (589,824) and two of 512
     * (4,718,592), with 1,280 channels.
     */
    @ParameterizedTest
    @CsvSource({
        "lenet300,      266610,   266200,   3,   6",
        "lenet5,        431080,   430500,   4,   8",
        "conv6,        2262602,  2261184,   9,  18",
        "resnet18,    11173962, 11164352,  21,  62",
        "vgg13,        9416010,  9407168,  11,  42",
        "vgg16,       14728266, 14715584,  14,  54",
        "vgg19,       20040522, 20024000,  17,  66",
        "densenet121,  6964106,  6880448, 121, 364",
    })
    void countsAreThoseOfTheOriginals(
            String name, long total, long prunable, int prunableTensors, int tensors) {
        Models model = Models.get(name);
        Block block = initialized(model, model.inputShape());

        Collection<Parameter> all = Names.trainable(block).values();
        Collection<Parameter> weights =
                all.stream().filter(p -> p.getShape().dimension() >= 2).toList();
        assertThat(all).hasSize(tensors);
        assertThat(size(all)).isEqualTo(total);
        assertThat(weights).hasSize(prunableTensors);
        assertThat(size(weights)).isEqualTo(prunable);
    }

    @ParameterizedTest
    @EnumSource
    void outputShapesAreThoseOfTheOutput(Models model) {
        Block block = initialized(model, small(model));
        NDArray images = images(model, 2);

        assertThat(forward(block, images).getShape()).isEqualTo(new Shape(2, 10));
        assertThat(block.getOutputShapes(new Shape[] {images.getShape()}))
                .containsExactly(new Shape(2, 10));
        assertThat(block.getOutputShapes(new Shape[] {batch(2, model.inputShape())}))
                .containsExactly(new Shape(2, 10));
    }

    @ParameterizedTest
    @EnumSource
    void everyLayerPredictsItsOutputShapeAndDescribesItsInput(Models model) {
        Block block = initialized(model, small(model));

        assertThat(Names.weighted(block)).isNotEmpty();
        Names.weighted(block)
                .forEach(
                        (name, layer) -> {
                            Shape input = layer.describeInput().valueAt(0);
                            Shape weight = layer.getDirectParameters().get("weight").getShape();
                            assertThat(input.get(0)).as(name).isEqualTo(2);
                            assertThat(input.dimension()).as(name).isEqualTo(weight.dimension());
                            assertThat(input.get(1)).as(name).isEqualTo(weight.get(1));
                            NDArray output = forward(layer, manager.ones(input));
                            assertThat(layer.getOutputShapes(new Shape[] {input}))
                                    .as(name)
                                    .containsExactly(output.getShape());
                        });
    }

    @ParameterizedTest
    @EnumSource
    void gradientReachesEveryParameter(Models model) {
        Block block = initialized(model, small(model));
        NDArray images = images(model, 4);

        try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
            NDList output =
                    block.forward(new ParameterStore(manager, false), new NDList(images), true);
            collector.backward(output.singletonOrThrow().square().sum());
        }

        Names.trainable(block)
                .forEach(
                        (name, parameter) -> {
                            float largest =
                                    parameter.getArray().getGradient().abs().max().getFloat();
                            if (block instanceof Vgg && name.matches("features.*\\.bias")) {
                                // The batch norm behind it subtracts it: rounding errors are left.
                                assertThat(largest).as(name).isLessThan(1e-3f);
                            } else {
                                assertThat(largest).as(name).isPositive().isFinite();
                            }
                        });
    }

    /** EasyTrain hands the labels to the block; the outputs must not depend on that. */
    @ParameterizedTest
    @EnumSource
    void forwardWithLabelsIsForward(Models model) {
        Block block = initialized(model, small(model));
        ParameterStore store = new ParameterStore(manager, false);
        NDList images = new NDList(images(model, 2));
        NDList labels = new NDList(manager.zeros(new Shape(2)));

        NDArray plain = block.forward(store, images, true).singletonOrThrow();
        NDArray labelled = block.forward(store, images, labels, null).singletonOrThrow();
        assertThat(labelled.allClose(plain)).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void seedDecidesEveryWeight(Models model) {
        Block block = initialized(model, small(model));
        Engine.getInstance().setRandomSeed(42);
        Block same = initialized(model, small(model));
        Engine.getInstance().setRandomSeed(43);
        Block other = initialized(model, small(model));

        Names.weighted(block)
                .keySet()
                .forEach(
                        name -> {
                            NDArray weight = weight(block, name);
                            assertThat(weight.contentEquals(weight(same, name))).as(name).isTrue();
                            assertThat(weight.contentEquals(weight(other, name)))
                                    .as(name)
                                    .isFalse();
                        });
    }

    @ParameterizedTest
    @EnumSource
    void loadedModelGivesTheSameOutput(Models entry, @TempDir Path folder)
            throws IOException, MalformedModelException {
        NDArray images = images(entry, 2);
        try (Model saved = Model.newInstance("saved", Device.cpu());
                Model loaded = Model.newInstance("loaded", Device.cpu())) {
            saved.setBlock(initialized(entry, small(entry)));
            // A step in training mode moves the running means away from where they start.
            saved.getBlock().forward(new ParameterStore(manager, false), new NDList(images), true);
            saved.save(folder, "saved");

            loaded.setBlock(entry.newBlock(channels(entry), 10));
            loaded.load(folder, "saved");

            NDArray expected = forward(saved.getBlock(), images);
            assertThat(forward(loaded.getBlock(), images).contentEquals(expected)).isTrue();
        }
    }

    @Test
    void loadedModelCanBeSavedAgain(@TempDir Path folder)
            throws IOException, MalformedModelException {
        try (Model model = Model.newInstance("model", Device.cpu())) {
            model.setBlock(initialized(Models.LENET5, Models.LENET5.inputShape()));
            model.save(folder, "first");
            model.setBlock(Models.LENET5.newBlock(1, 10));
            model.load(folder, "first");
            model.save(folder, "second");
            assertThat(folder.resolve("second-0000.params")).isNotEmptyFile();
        }
    }

    @ParameterizedTest
    @EnumSource
    void channelsAndClassesAreFree(Models model) {
        Block block = model.newBlock(2, 7);
        Shape image = new Shape(2, small(model).get(1), small(model).get(2));
        block.initialize(manager, DataType.FLOAT32, batch(3, image));

        assertThat(forward(block, manager.ones(batch(3, image))).getShape())
                .isEqualTo(new Shape(3, 7));
    }

    @ParameterizedTest
    @EnumSource
    void aWidthIsThatOfTheFirstLayerOrRefused(Models model) {
        if (!model.hasWidth()) {
            assertThatThrownBy(() -> model.newBlock(3, 10, 4))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(model.id() + " comes in one width only; resnet18 has others.");
            return;
        }
        Block block = model.newBlock(channels(model), 10, 4);
        block.initialize(manager, DataType.FLOAT32, batch(1, small(model)));
        assertThat(block.getParameters().valueAt(0).getArray().getShape().get(0)).isEqualTo(4);
    }

    @Test
    void namesAreInTheOrderOfTheRegistry() {
        assertThat(Models.names())
                .containsExactly(
                        "lenet300",
                        "lenet5",
                        "conv6",
                        "resnet18",
                        "vgg13",
                        "vgg16",
                        "vgg19",
                        "densenet121");
        assertThat(Models.get("ResNet18")).isSameAs(Models.RESNET18);
        assertThat(Models.values()).allSatisfy(m -> assertThat(m.description()).isNotBlank());
    }

    @Test
    void unknownNameListsWhatThereIs() {
        assertThatThrownBy(() -> Models.get("alexnet"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "There is no model 'alexnet'; there are lenet300, lenet5, conv6, resnet18,"
                                + " vgg13, vgg16, vgg19, densenet121.");
    }

    private Block initialized(Models model, Shape image) {
        Block block = model.newBlock(channels(model), 10);
        block.initialize(manager, DataType.FLOAT32, batch(2, image));
        return block;
    }

    private NDArray images(Models model, int count) {
        return manager.randomNormal(batch(count, small(model)));
    }

    private NDArray forward(Block block, NDArray input) {
        return block.forward(new ParameterStore(manager, false), new NDList(input), false)
                .singletonOrThrow();
    }

    private static NDArray weight(Block block, String layer) {
        return Names.parameters(block).get(layer + ".weight").getArray();
    }

    private static int channels(Models model) {
        return (int) model.inputShape().get(0);
    }

    /** The usual images, but DenseNet's small enough for a test. */
    private static Shape small(Models model) {
        return model == Models.DENSENET121 ? new Shape(3, 32, 32) : model.inputShape();
    }

    private static Shape batch(long count, Shape image) {
        return new Shape(count).addAll(image);
    }

    private static long size(Collection<Parameter> parameters) {
        return parameters.stream().mapToLong(p -> p.getShape().size()).sum();
    }
}
