package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.BlockPaths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ScriptedTrainerTest {

    private static final int[] BATCHES = {4, 4, 3, 4};

    /** Losses step by step and the parameters after them. */
    private record Trained(List<Float> losses, Map<String, float[]> parameters) {}

    private static DefaultTrainingConfig config() {
        return new DefaultTrainingConfig(Loss.l2Loss())
                .optDevices(new Device[] {Device.cpu()})
                .optOptimizer(
                        Sgd.builder()
                                .setLearningRateTracker(new Milestones(0.01f, 1f))
                                .optMomentum(0.9f)
                                .optWeightDecays(1e-3f)
                                .build());
    }

    private static Trainer scripted(Model model, DefaultTrainingConfig config) {
        return ScriptedTrainer.builder().setModel(model).setConfig(config).build();
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
        Predicate<Networks> own = n -> List.of("lenet300", "lenet5").contains(n.name());
        Predicate<Networks> zoo =
                n -> List.of("LeNet", "MobileNetV2", "ResNet-18", "TabNet").contains(n.name());
        Predicate<Networks> hasParameters =
                n -> {
                    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
                        return n.initialize(manager).getParameters().stream()
                                .anyMatch(p -> p.getValue().requiresGradient());
                    }
                };
        return Stream.of(
                        Networks.own().stream().filter(own),
                        Networks.zoo().stream().filter(zoo),
                        Networks.blocks().stream().filter(hasParameters))
                .flatMap(s -> s);
    }

    @ParameterizedTest
    @MethodSource("trainable")
    void itTrainsAsTheBlockDoes(Networks network) {
        Trained block = train(network, Model::newTrainer);
        Trained script = train(network, ScriptedTrainerTest::scripted);
        assertThat(script.losses()).isEqualTo(block.losses());
        assertThat(script.parameters()).hasSameSizeAs(block.parameters());
        block.parameters()
                .forEach(
                        (path, numbers) ->
                                assertThat(script.parameters().get(path))
                                        .as(path)
                                        .containsExactly(numbers));
    }
}
