package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.metric.Metrics;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv1d;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.convolutional.Conv3d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.loss.Loss;
import ai.djl.translate.TranslateException;
import ai.djl.util.PairList;
import io.flipout.djl.Pruner;
import io.flipout.djl.TinyTraining;
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.Sgd;
import io.flipout.djl.training.TrainingLoop;
import io.flipout.mask.BlockPaths;
import io.flipout.method.FlipOut;
import io.flipout.report.LayerReport;
import io.flipout.report.SparsityReport;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScriptedTrainerTest {

    private static final int[] BATCHES = {4, 4, 3};

    /** Losses step by step and the parameters after them. */
    private record Trained(List<Float> losses, Map<String, float[]> parameters) {}

    private static DefaultTrainingConfig config() {
        return new DefaultTrainingConfig(Loss.l2Loss())
                .optDevices(new Device[] {Device.cpu()})
                .optOptimizer(
                        Sgd.builder()
                                .setLearningRateTracker(new Milestones(0.001f, 1f))
                                .optMomentum(0.9f)
                                .optWeightDecays(1e-3f)
                                .build());
    }

    private static Trainer scripted(Model model, DefaultTrainingConfig config) {
        return ScriptedTrainer.builder().setModel(model).setConfig(config).build();
    }

    private static Trainer inBFloat16(Model model, DefaultTrainingConfig config) {
        return ScriptedTrainer.builder()
                .setModel(model)
                .setConfig(config)
                .optPrecision(Precision.BFLOAT16)
                .build();
    }

    /** The form of a GPU, in which images have their channels beside each other. */
    private static Trainer channelsLast(Model model, DefaultTrainingConfig config) {
        ScriptedTrainer.Builder builder =
                ScriptedTrainer.builder().setModel(model).setConfig(config);
        BFloat16.operations(new Operations(Map.of()), true).forEach(builder::optOperation);
        return builder.build();
    }

    private static Trained train(
            Networks network, BiFunction<Model, DefaultTrainingConfig, Trainer> trainers) {
        try (Model model = Model.newInstance("test", Device.cpu(), "PyTorch")) {
            model.setBlock(network.initialize(model.getNDManager()));
            try (Trainer trainer = trainers.apply(model, config())) {
                trainer.initialize(network.shapes());
                List<Float> losses = new ArrayList<>();
                for (int i = 0; i < BATCHES.length; i++) {
                    try (NDManager scratch = trainer.getManager().newSubManager()) {
                        Engine.getInstance().setRandomSeed(10 + i);
                        NDList inputs = network.inputs(scratch, BATCHES[i]);
                        Engine.getInstance().setRandomSeed(20 + i);
                        try (GradientCollector collector = trainer.newGradientCollector()) {
                            NDArray loss = loss(trainer.forward(inputs));
                            collector.backward(loss);
                            losses.add(loss.getFloat());
                        }
                        trainer.step();
                    }
                }
                return new Trained(losses, numbers(model.getBlock()));
            }
        }
    }

    private static NDArray loss(NDList outputs) {
        NDArray loss = null;
        for (NDArray output : outputs) {
            if (output.getDataType() == DataType.FLOAT32) {
                NDArray mean = output.sub(0.5f).square().mean();
                loss = loss == null ? mean : loss.add(mean);
            }
        }
        return loss;
    }

    private static Map<String, float[]> numbers(Block block) {
        Map<String, float[]> numbers = new LinkedHashMap<>();
        for (Map.Entry<String, Parameter> entry : BlockPaths.parameters(block).entrySet()) {
            numbers.put(entry.getKey(), entry.getValue().getArray().toFloatArray());
        }
        return numbers;
    }

    private static Stream<Networks> trainable() {
        List<String> chosen = List.of("lenet300", "lenet5", "MobileNetV2", "TabNet");
        return Stream.concat(
                Stream.concat(Networks.own().stream(), Networks.zoo().stream())
                        .filter(n -> chosen.contains(n.name())),
                Networks.blocks().stream()
                        .filter(ScriptedTrainerTest::hasParameters)
                        // Its words are all alike: what is rounded otherwise soon is something
                        // else.
                        .filter(n -> !n.name().equals("BertPretrainingBlock")));
    }

    private static boolean hasParameters(Networks network) {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            return network.initialize(manager).getParameters().values().stream()
                    .anyMatch(Parameter::requiresGradient);
        }
    }

    /**
     * Whether PyTorch computes a linear layer of the network in one operation from a script and in
     * two from Java, which add up in different orders: those over sequences.
     */
    private static boolean isReordered(Networks network) {
        return network.name().startsWith("Bert")
                || network.name().contains("Attention")
                || network.name().contains("Transformer")
                || network.name().contains("over a sequence");
    }

    @ParameterizedTest
    @MethodSource("trainable")
    void itTrainsAsTheBlockDoes(Networks network) {
        Trained block = train(network, Model::newTrainer);
        Trained script = train(network, ScriptedTrainerTest::scripted);
        assertThat(script.parameters()).hasSameSizeAs(block.parameters());
        if (isReordered(network)) {
            assertClose(script, block, 1e-4);
            Trained again = train(network, ScriptedTrainerTest::scripted);
            assertThat(again.losses()).isEqualTo(script.losses());
            assertSame(again, script);
        } else {
            assertThat(script.losses()).isEqualTo(block.losses());
            assertSame(script, block);
        }
    }

    private static void assertSame(Trained actual, Trained expected) {
        expected.parameters()
                .forEach(
                        (path, numbers) ->
                                assertThat(actual.parameters().get(path))
                                        .as(path)
                                        .isEqualTo(numbers));
    }

    /** Losses and the change of all parameters are the same but for a part of their size. */
    private static void assertClose(Trained actual, Trained expected, double part) {
        for (int i = 0; i < expected.losses().size(); i++) {
            float loss = expected.losses().get(i);
            assertThat(actual.losses().get(i)).isCloseTo(loss, within((float) part * loss));
        }
        double difference = 0;
        double all = 0;
        for (Map.Entry<String, float[]> entry : expected.parameters().entrySet()) {
            float[] numbers = actual.parameters().get(entry.getKey());
            for (int i = 0; i < numbers.length; i++) {
                difference += Math.pow(numbers[i] - entry.getValue()[i], 2);
                all += Math.pow(entry.getValue()[i], 2);
            }
        }
        assertThat(Math.sqrt(difference)).isLessThanOrEqualTo(part * Math.sqrt(all));
    }

    private static Networks named(String name) {
        return Stream.of(Networks.own(), Networks.zoo(), Networks.blocks())
                .flatMap(List::stream)
                .filter(n -> n.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"lenet300", "lenet5", "Conv1d", "Conv3d"})
    void bfloat16IsCloseAndRepeatsItself(String name) {
        Networks network = named(name);
        Trained exact = train(network, Model::newTrainer);
        Trained rounded = train(network, ScriptedTrainerTest::inBFloat16);
        assertClose(rounded, exact, 0.03);
        assertThat(rounded.losses()).isNotEqualTo(exact.losses());
        assertSame(train(network, ScriptedTrainerTest::inBFloat16), rounded);
        Trained last = train(network, ScriptedTrainerTest::channelsLast);
        assertClose(last, exact, 0.03);
        assertThat(last.losses()).isNotEqualTo(exact.losses());
    }

    /** One weight of 1 + 2^-9, which bfloat16's 8 bits round to 1, and a bias of 2^-9. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void bfloat16RoundsWhatALayerTakesAndNothingElse(int axes) {
        float small = 1f / 512;
        try (Model model = Model.newInstance("one", Device.cpu(), "PyTorch")) {
            model.setBlock(layerOfOneWeight(axes));
            Shape one = new Shape(LongStream.range(0, 2 + axes).map(i -> 1).toArray());
            try (Trainer trainer =
                    inBFloat16(
                            model,
                            new DefaultTrainingConfig(Loss.l2Loss())
                                    .optDevices(new Device[] {Device.cpu()})
                                    .optOptimizer(
                                            Sgd.builder()
                                                    .setLearningRateTracker(
                                                            new Milestones(small, 1f))
                                                    .build()))) {
                trainer.initialize(one);
                NDManager manager = trainer.getManager();
                NDArray weight = model.getBlock().getDirectParameters().get("weight").getArray();
                NDArray bias = model.getBlock().getDirectParameters().get("bias").getArray();
                set(weight, 1 + small);
                set(bias, small);
                NDList input = new NDList(manager.full(one, 3 + small));
                try (GradientCollector collector = trainer.newGradientCollector()) {
                    NDArray output = trainer.forward(input).head();
                    assertThat(output.getDataType()).isEqualTo(DataType.FLOAT32);
                    // In 8 bits 3 + 2^-9 is 3 and the weight 1; the bias is added afterwards.
                    assertThat(output.toFloatArray()).containsExactly(3 + small);
                    collector.backward(output.sum());
                }
                trainer.step();
                // The gradients are 3 and 1, and the weights that they move are not rounded.
                assertThat(weight.getDataType()).isEqualTo(DataType.FLOAT32);
                assertThat(weight.toFloatArray()[0]).isEqualTo(1 + small - 3 * small);
                assertThat(bias.toFloatArray()[0]).isEqualTo(0);
                NDArray evaluated = trainer.evaluate(input).head();
                assertThat(evaluated.toFloatArray()).containsExactly((3 + small) * (1 - 2 * small));
            }
        }
    }

    private static Block layerOfOneWeight(int axes) {
        Shape kernel = new Shape(LongStream.range(0, axes).map(i -> 1).toArray());
        return switch (axes) {
            case 0 -> Linear.builder().setUnits(1).build();
            case 1 -> Conv1d.builder().setKernelShape(kernel).setFilters(1).build();
            case 2 -> Conv2d.builder().setKernelShape(kernel).setFilters(1).build();
            default -> Conv3d.builder().setKernelShape(kernel).setFilters(1).build();
        };
    }

    /**
     * The bias of a filter without weights is all that a batch norm sees of it: with no variance, a
     * difference of 0.0025, to which bfloat16 rounds numbers of that size, would come out as 0.8.
     */
    @Test
    void aPrunedFilterIsEvaluatedAsItWasTrained() {
        try (Model model = Model.newInstance("pruned", Device.cpu(), "PyTorch")) {
            Block convolution =
                    Conv2d.builder().setKernelShape(new Shape(1, 1)).setFilters(1).build();
            model.setBlock(new SequentialBlock().add(convolution).add(BatchNorm.builder().build()));
            try (Trainer trainer = inBFloat16(model, config())) {
                Shape images = new Shape(2, 1, 2, 2);
                trainer.initialize(images);
                set(convolution.getDirectParameters().get("weight").getArray(), 0);
                set(convolution.getDirectParameters().get("bias").getArray(), 1.0025f);
                NDList input = new NDList(trainer.getManager().ones(images));
                NDArray trained = null;
                for (int i = 0; i < 200; i++) { // Until the running mean has come to the bias.
                    try (GradientCollector collector = trainer.newGradientCollector()) {
                        trained = trainer.forward(input).head();
                        collector.backward(trained.sum());
                    }
                }
                float[] evaluated = trainer.evaluate(input).head().toFloatArray();
                assertThat(evaluated).containsExactly(trained.toFloatArray(), within(1e-3f));
            }
        }
    }

    private static void set(NDArray array, float value) {
        try (NDArray numbers = array.getManager().full(array.getShape(), value)) {
            numbers.copyTo(array);
        }
    }

    /** A way to make a trainer of a small network that FlipOut prunes, and the ways to train it. */
    private record Pruned(Map<String, float[]> weights, SparsityReport report) {

        static Pruned of(
                BiFunction<Model, DefaultTrainingConfig, Trainer> trainers, boolean byDjlsLoop)
                throws IOException, TranslateException {
            Pruner pruner =
                    Pruner.builder()
                            .setMethod(FlipOut.builder().build())
                            .setSchedule(Schedule.toSparsity(0.75).overEpochs(4))
                            .build();
            try (TinyTraining tiny = new TinyTraining(3);
                    NDManager manager = NDManager.newBaseManager()) {
                DefaultTrainingConfig config =
                        new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                                .optOptimizer(pruner.wrap(TinyTraining.sgd()))
                                .addTrainingListeners(pruner.listener());
                try (Trainer trainer = trainers.apply(tiny.model, config)) {
                    trainer.initialize(new Shape(8, 6));
                    ArrayDataset data = TinyTraining.data(manager);
                    if (byDjlsLoop) {
                        trainer.setMetrics(new Metrics());
                        EasyTrain.fit(trainer, 4, data, data);
                    } else {
                        TrainingLoop.builder()
                                .setTrainer(trainer)
                                .setEpochs(4)
                                .setTrain(data)
                                .build()
                                .run();
                    }
                    assertThat(trainer.getModel()).isSameAs(tiny.model);
                }
                return new Pruned(tiny.weights(), pruner.report());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itIsPrunedAsTheBlockIs(boolean byDjlsLoop) throws IOException, TranslateException {
        Pruned block = Pruned.of(Model::newTrainer, byDjlsLoop);
        Pruned script = Pruned.of(ScriptedTrainerTest::scripted, byDjlsLoop);
        block.weights()
                .forEach(
                        (path, weights) ->
                                assertThat(script.weights().get(path)).as(path).isEqualTo(weights));
        Pruned rounded = Pruned.of(ScriptedTrainerTest::inBFloat16, byDjlsLoop);
        assertThat(rounded.report().remaining()).isEqualTo(block.report().remaining());
        for (LayerReport layer : rounded.report().layers()) {
            float[] weights = rounded.weights().get(layer.name());
            int alive = 0;
            for (float weight : weights) {
                alive += weight != 0 ? 1 : 0;
            }
            assertThat(alive).as(layer.name()).isEqualTo((int) layer.remaining());
        }
    }

    /** Multiplies by a parameter of an awkward name, and by the labels where it is trained. */
    private static final class Teaching extends AbstractBlock {

        private final Parameter factor =
                addParameter(
                        Parameter.builder()
                                .setName("a.b[]")
                                .setType(Parameter.Type.WEIGHT)
                                .optShape(new Shape(1, 2))
                                .build());

        @Override
        protected NDList forwardInternal(
                ParameterStore store,
                NDList inputs,
                boolean training,
                PairList<String, Object> more) {
            Device device = inputs.head().getDevice();
            return new NDList(inputs.head().mul(store.getValue(factor, device, training)));
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store, NDList data, NDList labels, PairList<String, Object> more) {
            NDArray outputs = forwardInternal(store, data, true, more).head();
            return new NDList(outputs.mul(labels.head()));
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputs) {
            return inputs;
        }
    }

    @Test
    void whatABlockDoesWithLabelsIsDone() {
        try (Model model = Model.newInstance("teaching", Device.cpu(), "PyTorch")) {
            model.setBlock(new Teaching());
            try (Trainer trainer = scripted(model, config())) {
                trainer.initialize(new Shape(1, 2));
                NDArray factor = model.getBlock().getDirectParameters().valueAt(0).getArray();
                String name = factor.getName();
                set(factor, 2);
                NDManager manager = trainer.getManager();
                NDArray data = manager.create(new float[] {1, 2, 3, 4}, new Shape(2, 2));
                data.setName("pixels[]");
                NDList labels = new NDList(manager.create(new float[] {5, 6}, new Shape(2, 1)));
                try (GradientCollector collector = trainer.newGradientCollector()) {
                    NDArray outputs = trainer.forward(new NDList(data), labels).head();
                    assertThat(outputs.toFloatArray()).containsExactly(10, 20, 36, 48);
                    collector.backward(outputs.sum());
                }
                assertThat(factor.getGradient().toFloatArray()).containsExactly(23, 34);
                assertThat(trainer.evaluate(new NDList(data)).head().toFloatArray())
                        .containsExactly(2, 4, 6, 8);
                assertThat(data.getName()).isEqualTo("pixels[]");
                assertThat(factor.getName()).isEqualTo(name);
            }
        }
    }

    /** Its statistics stay where they are, and what it computes is what it evaluates. */
    private static final class Resting extends AbstractBlock {

        private final Block norm = addChildBlock("norm", BatchNorm.builder().build());
        private final Block dropout = addChildBlock("drop", Dropout.builder().build());

        @Override
        protected NDList forwardInternal(
                ParameterStore store,
                NDList inputs,
                boolean training,
                PairList<String, Object> more) {
            return dropout.forward(store, norm.forward(store, inputs, false), false);
        }

        @Override
        protected void initializeChildBlocks(NDManager manager, DataType type, Shape... inputs) {
            norm.initialize(manager, type, inputs);
            dropout.initialize(manager, type, inputs);
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputs) {
            return inputs;
        }
    }

    @Test
    void whatRestsWhileTheOthersTrainGoesOnResting() {
        Networks network =
                new Networks(
                        "resting", Resting::new, new Shape[] {new Shape(1, 5)}, new DataType[0]);
        Trained block = train(network, Model::newTrainer);
        Trained script = train(network, ScriptedTrainerTest::scripted);
        assertThat(script.losses()).isEqualTo(block.losses());
        assertSame(script, block);
    }

    /** The size of a batch that a block asks for in Java is that of each batch. */
    @Test
    void aBatchOfAnotherSizeIsTheSameScript() {
        Networks network =
                new Networks(
                        "reshaping",
                        () ->
                                behindALayer(
                                        list -> {
                                            NDArray x = list.head();
                                            long batch = x.getShape().get(0);
                                            return new NDList(x.reshape(batch, 2, 2).div(batch));
                                        }),
                        new Shape[] {new Shape(1, 5)},
                        new DataType[0]);
        Trained block = train(network, Model::newTrainer);
        Trained script = train(network, ScriptedTrainerTest::scripted);
        assertThat(script.losses()).isEqualTo(block.losses());
        assertSame(script, block);
    }

    /** Another size of image is another network; a module has none of the weights. */
    @Test
    @SuppressWarnings("try") // It collects what is computed.
    void imagesOfAnotherSizeAreTracedAnew() {
        try (Model model = Model.newInstance("sizes", Device.cpu(), "PyTorch")) {
            model.setBlock(
                    new SequentialBlock()
                            .add(
                                    Conv2d.builder()
                                            .setKernelShape(new Shape(3, 3))
                                            .setFilters(2)
                                            .build())
                            .add(
                                    list -> {
                                        NDArray x = list.head();
                                        long pixels = x.getShape().slice(2).size();
                                        return new NDList(x.mul(pixels));
                                    }));
            try (Trainer trainer = scripted(model, config())) {
                trainer.initialize(new Shape(1, 1, 5, 5));
                NDManager manager = trainer.getManager();
                for (int side : new int[] {5, 7, 5}) {
                    NDList image = new NDList(manager.randomNormal(new Shape(2, 1, side, side)));
                    float[] script;
                    try (GradientCollector collector = trainer.newGradientCollector()) {
                        script = trainer.forward(image).head().toFloatArray();
                    }
                    assertThat(script)
                            .containsExactly(trainer.evaluate(image).head().toFloatArray());
                }
            }
        }
    }

    private static void assertRefused(Block block, String... words) {
        try (Model model = Model.newInstance("refused", Device.cpu(), "PyTorch")) {
            model.setBlock(block);
            try (Trainer trainer = scripted(model, config())) {
                trainer.initialize(new Shape(1, 4));
                NDList input = new NDList(trainer.getManager().ones(new Shape(2, 4)));
                assertThatThrownBy(() -> trainer.forward(input))
                        .isInstanceOf(TorchScriptException.class)
                        .hasMessageStartingWith("The network cannot be trained as a script: ")
                        .hasMessageContainingAll(words)
                        .hasMessageEndingWith(
                                "; or train it by model.newTrainer(...), block by block.");
            }
        }
    }

    @Test
    void whatAScriptCannotDoIsRefused() {
        assertRefused(
                behindALayer(
                        list -> {
                            NDArray x = list.head();
                            NDManager manager = x.getManager();
                            return new NDList(x.add(manager.randomNormal(x.getShape())));
                        }),
                "randomNormal");
        assertRefused(
                behindALayer(list -> list.head().sum().getFloat() > 0 ? list : new NDList()),
                "getFloat");
        AtomicInteger count = new AtomicInteger(); // In the place of chance.
        assertRefused(
                behindALayer(
                        list ->
                                count.getAndIncrement() % 2 == 0
                                        ? list
                                        : new NDList(list.head().neg())),
                "takes other steps",
                "at random");
        assertRefused(
                behindALayer(list -> new NDList(list.head().mul(count.getAndIncrement() * 0.1f))),
                "differs",
                "at random");
    }

    private static Block behindALayer(Function<NDList, NDList> what) {
        return new SequentialBlock().add(Linear.builder().setUnits(4).build()).add(what);
    }

    @Test
    void whatIsTorchScriptIsRefused(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("module.pt");
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            Block block = Linear.builder().setUnits(2).build();
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 4));
            TorchScriptExporter.builder().build().export(block, file);
        }
        try (Model module = TorchScriptModels.load(file, Device.cpu());
                Model around = Model.newInstance("around", Device.cpu(), "PyTorch")) {
            assertThatThrownBy(() -> scripted(module, config()))
                    .isInstanceOf(TorchScriptException.class)
                    .hasMessageStartingWith("The network is TorchScript already");
            around.setBlock(new SequentialBlock().add(module.getBlock()));
            assertThatThrownBy(() -> scripted(around, config()))
                    .isInstanceOf(TorchScriptException.class)
                    .hasMessageContaining("is a TorchScript module");
        }
    }

    @Test
    void aGpuWithoutBFloat16IsRefused() {
        assertThatThrownBy(() -> BFloat16.check(Device.gpu(1), "75"))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageStartingWith("The device gpu(1) does not compute in bfloat16: ");
        BFloat16.check(Device.gpu(), "80");
        BFloat16.check(Device.gpu(), "120");
        BFloat16.check(Device.cpu());
    }

    @Test
    @SuppressWarnings("try") // It collects what is computed.
    void theFirstBatchDrawsNothingAndMovesNothingMore() {
        Networks network = named("Dropout");
        try (Model model = Model.newInstance("dropout", Device.cpu(), "PyTorch")) {
            model.setBlock(
                    new SequentialBlock()
                            .add(network.block().get())
                            .add(BatchNorm.builder().build()));
            try (Trainer trainer = scripted(model, config())) {
                trainer.initialize(network.shapes());
                NDList input = new NDList(trainer.getManager().ones(new Shape(4, 3, 8, 8)));
                List<float[]> outputs = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    Engine.getInstance().setRandomSeed(7);
                    try (GradientCollector collector = trainer.newGradientCollector()) {
                        outputs.add(trainer.forward(input).head().toFloatArray());
                    }
                }
                assertThat(outputs.get(0)).containsExactly(outputs.get(1));
            }
        }
    }

    @Test
    void whatIsMissingIsNamed() {
        ScriptedTrainer.Builder builder = ScriptedTrainer.builder().setConfig(config());
        assertThatThrownBy(builder::build).hasMessageContaining("setModel");
        try (Model model = Model.newInstance("empty", Device.cpu(), "PyTorch")) {
            builder.setModel(model);
            assertThatThrownBy(builder::build).hasMessageContaining("model.setBlock");
            model.setBlock(Linear.builder().setUnits(1).build());
            builder.setConfig(null);
            assertThatThrownBy(builder::build).hasMessageContaining("setConfig");
        }
    }
}
