package io.flipout.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.cli.Shell;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.djl.torchscript.TorchScriptModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchLaunchesCommandTest {

    private final List<String> records = new ArrayList<>();

    private void record(String name, int thread, double begin, double duration) {
        record(name, "CPU Functions", thread, begin, duration);
    }

    private void record(String name, String process, int thread, double begin, double duration) {
        records.add(
                String.format(
                        Locale.ROOT,
                        """
                        {"name": "%s", "ph": "X", "pid": "%s", "tid": %d, "ts": %s, "dur": %s}""",
                        name,
                        process,
                        thread,
                        begin,
                        duration));
    }

    private int count() throws IOException {
        return Launches.count(new ObjectMapper().readTree(records.toString()));
    }

    @Test
    void whatIsCalledByAnotherOperationDoesNotCount() throws IOException {
        record("aten::view", 1, 11, 2); // The profiler writes the inner ones first.
        record("aten::reshape", 1, 10, 5);
        record("aten::as_strided", 1, 20.5, 0.5);
        record("aten::transpose", 1, 20.25, 1);
        record("aten::t", 1, 20, 1.25); // Ends with the one within it.
        record("aten::addmm", 1, 21.25, 4); // Begins as the one before ends.
        assertThat(count()).isEqualTo(3);
    }

    @Test
    void threadsAreApart() throws IOException {
        record("aten::ones", 1, 0, 100);
        record("autograd::engine::evaluate_function: MmBackward0", 2, 10, 50);
        record("MmBackward0", 2, 11, 48);
        record("aten::mm", 2, 12, 20);
        record("autograd::engine::evaluate_function: torch::autograd::AccumulateGrad", 2, 70, 5);
        assertThat(count()).isEqualTo(3);
    }

    @Test
    void theMethodOfAScriptHidesNothingAndIsNothing() throws IOException {
        record("forward", 1, 0, 50);
        record("forward", 1, 0, 50);
        record("<forward op>", 1, 5, 20);
        record("aten::linear", 1, 6, 9);
        record("aten::addmm", 1, 7, 4);
        record("aten::relu", 1, 16, 2);
        record("after", 1, 30, 10);
        record("aten::_foreach_add_", 1, 31, 8);
        record("aten::add_", 1, 32, 1);
        record("aten::add_", 1, 34, 1);
        record("aten::sum", 1, 60, 3);
        assertThat(count()).isEqualTo(4);
    }

    @Test
    void theKernelsOfAGpuAreNoCalls() throws IOException {
        record("aten::relu", 1, 0, 5);
        record("aten::relu", "CUDA functions", 1, 7, 5);
        records.add(
                "{\"name\": \"launch\", \"ph\": \"s\", \"pid\": \"CPU Functions\", \"tid\": 1}");
        assertThat(count()).isEqualTo(1);
    }

    @Test
    void theOperationsOfAProductAreCounted() {
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            NDArray images = manager.ones(new Shape(4, 3));
            NDArray weights = manager.ones(new Shape(3, 2));
            weights.setRequiresGradient(true);
            int count =
                    Launches.of(
                            () -> {
                                try (GradientCollector collector =
                                        Engine.getEngine("PyTorch").newGradientCollector()) {
                                    collector.backward(images.matMul(weights).sum());
                                }
                            });
            // The product, the sum and the ones that it begins with; back through the sum and the
            // product to the gradient.
            assertThat(count).isEqualTo(3 + 3);
        }
    }

    @Test
    void theOperationsOfAScriptAreCounted(@TempDir Path folder) throws IOException {
        SequentialBlock block =
                new SequentialBlock()
                        .add(Linear.builder().setUnits(3).build())
                        .add(Activation.reluBlock())
                        .add(Linear.builder().setUnits(2).build());
        Path file = folder.resolve("tiny.pt");
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 4));
            TorchScriptExporter.builder().build().export(block, file);
        }
        try (Model model = TorchScriptModels.load(file);
                NDManager manager = model.getNDManager().newSubManager()) {
            NDList images = new NDList(manager.ones(new Shape(5, 4)));
            ParameterStore parameters = new ParameterStore(manager, false);
            Runnable forward = () -> model.getBlock().forward(parameters, images, false);
            for (int i = 0; i < 3; i++) {
                forward.run(); // PyTorch makes another program of it the first times.
            }
            assertThat(Launches.of(forward)).isEqualTo(3);
        }
    }

    @Test
    void aStepOfASmallNetworkIsCounted() throws IOException {
        System.setProperty("flipout.direct", "true");
        try {
            JsonNode device = run();
            assertThat(device.get("bench").asText()).isEqualTo("launches");
            assertThat(device.get("model").asText()).isEqualTo("lenet300");
            int pass = device.get("forward_backward").asInt();
            // Forth a reshape, three linear layers of two, two relus and five of the loss; back a
            // beginning, the loss without its reshape, the layers in two and two relus, and the
            // gradients of six parameters.
            assertThat(pass).isEqualTo(1 + 6 + 2 + 5 + 1 + 4 + 6 + 2 + 6);
            int sgd = device.get("sgd").asInt();
            // However many parameters: on flat arrays.
            assertThat(device.get("flipout").asInt()).isGreaterThan(sgd).isLessThanOrEqualTo(40);
            JsonNode host = run("--host");
            assertThat(host.get("forward_backward").asInt()).isEqualTo(pass);
            assertThat(host.get("sgd").asInt()).isLessThanOrEqualTo(sgd);
            assertThat(System.getProperty("flipout.direct")).isEqualTo("true");
        } finally {
            System.clearProperty("flipout.direct");
        }
    }

    private static JsonNode run(String... options) throws IOException {
        List<Object> words = new ArrayList<>(List.of("bench", "launches", "--model", "lenet300"));
        words.addAll(List.of(options));
        Shell shell = Shell.run(words);
        assertThat(shell.status()).as(shell.err()).isZero();
        return new ObjectMapper().readTree(shell.out());
    }

    @Test
    void whatCannotBeCountedIsRefused() {
        Shell network = Shell.run("bench", "launches", "--model", "lenet");
        assertThat(network.status()).isNotZero();
        assertThat(network.err()).contains("lenet").doesNotContain("\tat ");
        Shell batch = Shell.run("bench", "launches", "--batch-size", "1");
        assertThat(batch.status()).isNotZero();
        assertThat(batch.err()).contains("--batch-size must be at least 2");
    }
}
