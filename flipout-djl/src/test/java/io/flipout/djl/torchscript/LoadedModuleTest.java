package io.flipout.djl.torchscript;

import static io.flipout.djl.torchscript.HandMadeModule.module;
import static io.flipout.djl.torchscript.HandMadeModule.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.tracker.Tracker;
import io.flipout.djl.Pruner;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.WeightSelector;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.L0Regularization;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Index;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a module's file says of its parameters holds for the block that is loaded from it. */
class LoadedModuleTest {

    /** Of two layers, a and b. */
    private static final String TWO_LAYERS =
            HandMadeModule.code(
                    "Root",
                    List.of("a", "b"),
                    List.of(),
                    "torch.linear(torch.linear(x, self.a), self.b)");

    @TempDir private Path folder;

    /** Takes a step of the loss y, of one input, at a rate of 0.1. */
    private static void step(Model model, Pruner pruner, float... x) {
        Sgd.Builder sgd = Sgd.builder().setLearningRateTracker(Tracker.fixed(0.1f));
        Loss sum =
                new Loss("sum") {
                    @Override
                    public NDArray evaluate(NDList labels, NDList outputs) {
                        return outputs.head().sum();
                    }
                };
        DefaultTrainingConfig config =
                new DefaultTrainingConfig(sum).optDevices(new Device[] {Device.cpu()});
        if (pruner == null) {
            config.optOptimizer(sgd.build());
        } else {
            config.optOptimizer(pruner.wrap(sgd.build())).addTrainingListeners(pruner.listener());
        }
        try (Trainer trainer = model.newTrainer(config)) {
            trainer.initialize(new Shape(1, x.length));
            NDList data = new NDList(trainer.getManager().create(x, new Shape(1, x.length)));
            try (GradientCollector collector = trainer.newGradientCollector()) {
                NDList outputs = trainer.forward(data, data);
                collector.backward(trainer.getLoss().evaluate(data, outputs));
            }
            trainer.step();
            trainer.notifyListeners(listener -> listener.onEpoch(trainer));
        }
    }

    private static float[] forward(Model model, float... x) {
        try (NDManager manager = model.getNDManager().newSubManager()) {
            NDList input = new NDList(manager.create(x, new Shape(1, x.length)));
            return model.getBlock()
                    .forward(new ParameterStore(manager, false), input, false)
                    .head()
                    .toFloatArray();
        }
    }

    private static float[] values(Model model, String name) {
        return BlockPaths.parameters(model.getBlock()).get(name).getArray().toFloatArray();
    }

    private static Map<String, StoredTensor> stored(Path file) throws IOException {
        return TorchScriptFile.open(file).contents().tensors();
    }

    /** y = w·(w·x) with w = 2 and x = 3: dy/dw = 2·w·x = 12, and one step makes 0.8 of w. */
    @Test
    void viewsOfTheSameNumbersAreOneParameter() throws IOException {
        Path file =
                new HandMadeModule(TWO_LAYERS)
                        .record("0", 2)
                        .write(
                                folder.resolve("tied.pt"),
                                module(
                                        "Root",
                                        "a",
                                        tensor("0", 1, 0, true, 1, 1),
                                        "b",
                                        tensor("0", 1, 0, true, 1, 1)));
        assertTiedTrains(file);
    }

    /** The same tensor under two names, as PyTorch writes weights that are tied in Python. */
    @Test
    void aTensorOfTwoNamesIsOneParameter() throws IOException {
        Object shared = tensor("0", 1, 0, true, 1, 1);
        Path file =
                new HandMadeModule(TWO_LAYERS)
                        .record("0", 2)
                        .write(folder.resolve("tied.pt"), module("Root", "a", shared, "b", shared));
        assertTiedTrains(file);
    }

    @Test
    void aModuleOfTwoNamesIsOneParameter() throws IOException {
        String code =
                HandMadeModule.code(
                                "Linear",
                                List.of("weight"),
                                List.of(),
                                "torch.linear(x, self.weight)")
                        + HandMadeModule.code(
                                "Root",
                                List.of(),
                                List.of("a : __torch__.Linear", "b : __torch__.Linear"),
                                "(self.b).forward((self.a).forward(x, ), )");
        Object layer = module("Linear", "weight", tensor("0", 1, 0, true, 1, 1));
        Path file =
                new HandMadeModule(code)
                        .record("0", 2)
                        .write(folder.resolve("twice.pt"), module("Root", "a", layer, "b", layer));
        try (Model model = TorchScriptModels.load(file, Device.cpu())) {
            assertThat(TorchScriptModels.otherNames(model.getBlock()))
                    .isEqualTo(Map.of("a.weight", List.of("b.weight")));
            step(model, null, 3);
            assertThat(BlockPaths.parameters(model.getBlock())).containsOnlyKeys("a.weight");
            assertThat(forward(model, 3)[0]).isCloseTo(0.8f * 0.8f * 3, within(1e-5f));
        }
    }

    private void assertTiedTrains(Path file) throws IOException {
        Path saved = folder.resolve("saved.pt");
        try (Model model = TorchScriptModels.load(file, Device.cpu())) {
            assertThat(BlockPaths.parameters(model.getBlock())).containsOnlyKeys("a");
            assertThat(TorchScriptModels.otherNames(model.getBlock()))
                    .isEqualTo(Map.of("a", List.of("b")));
            step(model, null, 3);
            assertThat(values(model, "a")[0]).isCloseTo(0.8f, within(1e-6f));
            assertThat(forward(model, 3)[0]).isCloseTo(0.8f * 0.8f * 3, within(1e-5f));
            TorchScriptModels.save(model, saved, Compression.DEFLATE);
        }
        Map<String, StoredTensor> tensors = stored(saved);
        assertThat(tensors.get("a").isSame(tensors.get("b"))).isTrue();
        try (Model again = TorchScriptModels.load(saved, Device.cpu())) {
            assertThat(BlockPaths.parameters(again.getBlock())).containsOnlyKeys("a");
            assertThat(forward(again, 3)[0]).isCloseTo(0.8f * 0.8f * 3, within(1e-5f));
        }
    }

    @Test
    void sharedWeightsArePrunedOnceAndStayPruned() throws IOException {
        Path file =
                new HandMadeModule(TWO_LAYERS)
                        .record("0", 1, -2, 3, -4)
                        .write(
                                folder.resolve("tied.pt"),
                                module(
                                        "Root",
                                        "a",
                                        tensor("0", 4, 0, true, 2, 2),
                                        "b",
                                        tensor("0", 4, 0, true, 2, 2)));
        Pruner pruner =
                Pruner.builder()
                        .setMethod(GlobalMagnitude.builder().build())
                        .setSchedule(Schedule.toSparsity(0.5).overEpochs(2))
                        .build();
        try (Model model = TorchScriptModels.load(file, Device.cpu())) {
            step(model, pruner, 0.001f, 0.002f);
            step(model, pruner, 1, 1);
            assertThat(pruner.report().weights()).isEqualTo(4);
            assertThat(pruner.report().remaining()).isEqualTo(2);
            assertThat(values(model, "a")).startsWith(0, 0).doesNotContain(0, Index.atIndex(2));
        }
    }

    /**
     * A module does not ask for its weights one by one: they are drawn for its pass all the same.
     */
    @Test
    void latentWeightsOfAModuleTrain() throws IOException {
        Path file =
                new HandMadeModule(TWO_LAYERS)
                        .record("0", 1, 2, 3, 4)
                        .record("1", 5, 6)
                        .write(
                                folder.resolve("two.pt"),
                                module(
                                        "Root",
                                        "a",
                                        tensor("0", 4, 0, true, 2, 2),
                                        "b",
                                        tensor("1", 2, 0, true, 1, 2)));
        Pruner pruner =
                Pruner.builder()
                        .setMethod(L0Regularization.builder().setStrength(1).setExamples(1).build())
                        .setSchedule(Schedule.none())
                        .build();
        try (Model model = TorchScriptModels.load(file, Device.cpu())) {
            step(model, pruner, 1, 1);
            // At test time the gates are at their half.
            float[] weights = values(model, "b");
            assertThat(weights[0]).isBetween(1.5f, 3f);
            assertThat(forward(model, 1, 0))
                    .containsExactly(
                            new float[] {
                                values(model, "a")[0] * weights[0]
                                        + values(model, "a")[2] * weights[1]
                            },
                            within(1e-4f));
        }
    }

    /** Slices that lie side by side in one record are parameters of their own. */
    @Test
    void slicesAreParametersOfTheirOwn() throws IOException {
        Path file = sliced(2, 2, 2, 1);
        try (Model model = TorchScriptModels.load(file, Device.cpu())) {
            assertThat(values(model, "a")).containsExactly(1, 2);
            assertThat(values(model, "b")).containsExactly(3, 4);
            step(model, null, 1);
            // y = 3·x·1 + 4·x·2; dy/da = (3, 4), dy/db = (1, 2).
            assertThat(values(model, "a")).containsExactly(0.7f, 1.6f);
            assertThat(values(model, "b")).containsExactly(2.9f, 3.8f);
        }
    }

    @Test
    void otherViewsOfTheSameNumbersAreRefused() throws IOException {
        Path overlapping = sliced(1, 2, 2, 1);
        assertThatThrownBy(() -> TorchScriptModels.load(overlapping, Device.cpu()))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageStartingWith(overlapping + ": a and b are different views")
                .hasMessageContaining("clone()");
        TorchScriptModels.open(overlapping, Device.cpu()).close();
        Path transposed = sliced(0, 1, 1, 2);
        assertThatThrownBy(() -> TorchScriptModels.load(transposed, Device.cpu()))
                .hasMessageContaining("a and b are different views");
    }

    /** a is the first two of four numbers as (2, 1), b two from an offset as (1, 2). */
    private Path sliced(long offset, long stride, long first, long second) throws IOException {
        return new HandMadeModule(TWO_LAYERS)
                .record("0", 1, 2, 3, 4)
                .write(
                        folder.resolve("sliced.pt"),
                        module(
                                "Root",
                                "a",
                                tensor("0", 4, 0, true, 2, 1),
                                "b",
                                tensor(
                                        "FloatStorage",
                                        "0",
                                        4,
                                        offset,
                                        true,
                                        new long[] {1, 2},
                                        new long[] {stride, second == 2 ? first : second})));
    }

    private Path frozen() throws IOException {
        return new HandMadeModule(TWO_LAYERS)
                .record("0", 1, 2, 3, 4)
                .record("1", 1, 1)
                .write(
                        folder.resolve("frozen.pt"),
                        module(
                                "Root",
                                "a",
                                tensor("0", 4, 0, false, 2, 2),
                                "b",
                                tensor("1", 2, 0, true, 1, 2)));
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"NONE", "DEFLATE"})
    void whatIsFrozenInTheFileStaysFrozen(Compression compression) throws IOException {
        Path saved = folder.resolve("saved.pt");
        try (Model model = TorchScriptModels.load(frozen(), Device.cpu())) {
            step(model, null, 1, 1);
            assertThat(WeightSelector.builder().build().select(model.getBlock()))
                    .extracting(ParameterInfo::path)
                    .containsExactly("b");
            assertThat(values(model, "a")).containsExactly(1, 2, 3, 4);
            assertThat(values(model, "b")).containsExactly(0.7f, 0.3f);
            TorchScriptModels.save(model, saved, compression);
        }
        assertThat(stored(saved).get("a").requiresGradient()).isFalse();
        assertThat(stored(saved).get("b").requiresGradient()).isTrue();
        try (Model again = TorchScriptModels.load(saved, Device.cpu())) {
            assertThat(BlockPaths.parameters(again.getBlock()).get("a").requiresGradient())
                    .isFalse();
        }
    }

    @Test
    void whatIsThawedTrainsAndIsSavedSo() throws IOException {
        Path saved = folder.resolve("saved.pt");
        try (Model model = TorchScriptModels.load(frozen(), Device.cpu())) {
            model.getBlock().freezeParameters(false);
            step(model, null, 1, 1);
            assertThat(values(model, "a")).containsExactly(0.9f, 1.9f, 2.9f, 3.9f);
            TorchScriptModels.save(model, saved);
        }
        assertThat(stored(saved).get("a").requiresGradient()).isTrue();
    }

    private void assertRefused(Path file, String message) {
        assertThatThrownBy(() -> TorchScriptModels.load(file, Device.cpu()))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(message);
    }

    private Path withWeights(float a, float b, boolean trained) throws IOException {
        return new HandMadeModule(TWO_LAYERS)
                .record("0", a)
                .record("1", b)
                .write(
                        folder.resolve("numbers.pt"),
                        module(
                                "Root",
                                "a",
                                tensor("0", 1, 0, true, 1, 1),
                                "b",
                                tensor("1", 1, 0, trained, 1, 1)));
    }

    @Test
    void weightsThatAreNoNumbersAreToldByName() throws IOException {
        assertRefused(withWeights(1, Float.NaN, true), "its parameter b holds NaN");
        assertRefused(withWeights(1, Float.NaN, false), "its parameter b holds NaN");
        assertRefused(withWeights(Float.NEGATIVE_INFINITY, 1, true), "a holds infinity");
        // A frozen mask of attention holds infinity for good reason.
        TorchScriptModels.load(withWeights(1, Float.NEGATIVE_INFINITY, false), Device.cpu())
                .close();
        assertThatThrownBy(
                        () -> TorchScriptModels.open(withWeights(Float.NaN, 1, true), Device.cpu()))
                .hasMessageContaining("its parameter a holds NaN");
    }

    @Test
    void statisticsThatAreNoNumbersAreToldByName() throws IOException {
        String code =
                HandMadeModule.code(
                                "Root",
                                List.of("a"),
                                List.of("running_var : Tensor"),
                                "torch.div(torch.linear(x, self.a), self.running_var)")
                        .replace("__buffers__ = []", "__buffers__ = [\"running_var\", ]");
        Path file =
                new HandMadeModule(code)
                        .record("0", 1)
                        .record("1", 1, Float.NaN)
                        .write(
                                folder.resolve("statistics.pt"),
                                module(
                                        "Root",
                                        "a",
                                        tensor("0", 1, 0, true, 1, 1),
                                        "running_var",
                                        tensor("1", 2, 1, false, 1)));
        assertRefused(file, "its buffer running_var holds NaN");
    }

    @Test
    void weightsOfOtherTypesAreRefusedBeforeTheyTrain() throws IOException {
        for (String type : List.of("Half", "BFloat16", "Double")) {
            int width = type.equals("Double") ? 8 : 2;
            long[] one = {1, 1};
            Path file =
                    new HandMadeModule(TWO_LAYERS)
                            .record("0", new byte[width])
                            .record("1", new byte[width])
                            .write(
                                    folder.resolve("typed.pt"),
                                    module(
                                            "Root",
                                            "a",
                                            tensor(type + "Storage", "0", 1, 0, true, one, one),
                                            "b",
                                            tensor(type + "Storage", "1", 1, 0, true, one, one)));
            String name =
                    Map.of("Half", "float16", "BFloat16", "bfloat16", "Double", "float64")
                            .get(type);
            assertRefused(file, "has weights of type " + name + ", such as a, and only float32");
            TorchScriptModels.open(file, Device.cpu()).close();
        }
    }

    /** y = a·b·x in training and 10 more in evaluation, when the mode is the module's own. */
    private static final String MODES =
            """
            class Root(Module):
              __parameters__ = ["a", "b", ]
              __buffers__ = []
              a : Tensor
              b : Tensor
              training : bool
              def forward(self: __torch__.Root,
                x: Tensor) -> Tensor:
                y = torch.linear(torch.linear(x, self.a), self.b)
                if self.training:
                  z = y
                else:
                  if torch.gt(torch.item(torch.sum(x)), 100):
                    ops.prim.RaiseException("too large")
                  else:
                    pass
                  z = torch.mul(y, 10)
                return z
            """;

    private Path modes() throws IOException {
        return new HandMadeModule(MODES)
                .record("0", 2)
                .record("1", 3)
                .write(
                        folder.resolve("modes.pt"),
                        module(
                                "Root",
                                "a",
                                tensor("0", 1, 0, true, 1, 1),
                                "b",
                                tensor("1", 1, 0, true, 1, 1)));
    }

    private static float evaluationGradient(Model model, float x) {
        NDArray a = BlockPaths.parameters(model.getBlock()).get("a").getArray();
        try (NDManager manager = model.getNDManager().newSubManager()) {
            NDList input = new NDList(manager.create(new float[] {x}, new Shape(1, 1)));
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                ParameterStore store = new ParameterStore(manager, false);
                NDList outputs = ModuleEvaluation.forward(model.getBlock(), store, input);
                collector.backward(outputs.head().sum());
            }
            float gradient = a.getGradient().toFloatArray()[0];
            Sgd.zeroGradient(a);
            return gradient;
        }
    }

    private static float trained(Model model) {
        try (NDManager manager = model.getNDManager().newSubManager()) {
            NDList input = new NDList(manager.ones(new Shape(1, 1)));
            return model.getBlock()
                    .forward(new ParameterStore(manager, false), input, true)
                    .head()
                    .toFloatArray()[0];
        }
    }

    /** In evaluation dy/da = 10·b·x = 30; before and after, the module trains and evaluates. */
    private static void assertEvaluationHasGradients(Model model) {
        for (int round = 0; round < 3; round++) {
            assertThat(evaluationGradient(model, 1)).isEqualTo(30);
            assertThat(trained(model)).isEqualTo(6);
            assertThat(evaluationGradient(model, 1)).isEqualTo(30);
            assertThat(forward(model, 1)).containsExactly(60);
            assertThatThrownBy(() -> evaluationGradient(model, 101))
                    .isInstanceOf(EngineException.class);
            assertThat(trained(model)).isEqualTo(6);
        }
    }

    @Test
    void evaluationHasGradientsAndLeavesTheModeAlone() throws IOException {
        try (Model model = TorchScriptModels.load(modes(), Device.cpu())) {
            assertEvaluationHasGradients(model);
        }
    }

    @Test
    void soDoesThatOfModulesWhichDjlLoads() throws Exception {
        try (Model model = Model.newInstance("modes", Device.cpu(), "PyTorch")) {
            model.load(modes(), null, Map.of("trainParam", "true"));
            model.getBlock().freezeParameters(false);
            assertEvaluationHasGradients(model);
        }
        try (Model model = Model.newInstance("modes", Device.cpu(), "PyTorch")) {
            model.load(modes(), null, Map.of("trainParam", "true"));
            SequentialBlock whole = new SequentialBlock().add(model.getBlock());
            NDList none = new NDList();
            assertThatThrownBy(() -> ModuleEvaluation.forward(whole, null, none))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("TorchScriptModels.load");
        }
    }
}
