package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.basicmodelzoo.cv.classification.MobileNetV2;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.util.JsonUtils;
import com.google.gson.JsonObject;
import io.flipout.djl.Pruner;
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.Sgd;
import io.flipout.inference.PrunedNetworks;
import io.flipout.mask.WeightSelector;
import io.flipout.method.FlipOut;
import io.flipout.models.DenseNet121;
import io.flipout.report.SparsityReport;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real consumer and producer of TorchScript: PyTorch in Python. */
class PythonTest {

    @TempDir private Path folder;

    private final List<Map<String, Object>> manifest = new ArrayList<>();

    @BeforeEach
    void assumePython() throws IOException, InterruptedException {
        Python.assumeTorch();
    }

    private List<JsonObject> consume() throws IOException, InterruptedException {
        Files.writeString(folder.resolve("manifest.json"), JsonUtils.GSON.toJson(manifest));
        List<JsonObject> results = new ArrayList<>();
        for (String line : Python.run("consume.py", folder)) {
            results.add(JsonUtils.GSON.fromJson(line, JsonObject.class));
        }
        assertThat(results).hasSameSizeAs(manifest);
        return results;
    }

    /** Notes for Python what a module that lies in the folder computes. */
    private void expect(String name, String file, NDList inputs, NDList outputs)
            throws IOException {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("name", name);
        entry.put("file", file);
        entry.put("inputs", save(file + ".in", inputs));
        entry.put("outputs", save(file + ".out", outputs));
        manifest.add(entry);
    }

    private List<Map<String, Object>> save(String prefix, NDList arrays) throws IOException {
        List<Map<String, Object>> entries = new ArrayList<>();
        for (int i = 0; i < arrays.size(); i++) {
            ByteBuffer bytes = arrays.get(i).toByteBuffer();
            byte[] content = new byte[bytes.remaining()];
            bytes.get(content);
            Files.write(folder.resolve(prefix + i), content);
            entries.add(
                    Map.of(
                            "file", prefix + i,
                            "shape", arrays.get(i).getShape().getShape(),
                            "dtype", arrays.get(i).getDataType().name().toLowerCase(Locale.ROOT)));
        }
        return entries;
    }

    private static NDList forward(Block block, NDList inputs, NDManager manager) {
        NDList copies = new NDList();
        inputs.forEach(input -> copies.add(input.duplicate()));
        NDList outputs = block.forward(new ParameterStore(manager, false), copies, false);
        outputs.attach(manager);
        return outputs;
    }

    private void export(Networks network, Compression compression, NDManager manager)
            throws IOException {
        Block block = network.initialize(manager);
        String file = network.name().replaceAll("\\W", "") + "-" + compression + ".pt";
        TorchScriptExporter.builder()
                .optVerify(false)
                .optCompression(compression)
                .optInputTypes(network.types())
                .build()
                .export(block, folder.resolve(file), network.shapes());
        NDList inputs = network.inputs(manager, 3);
        expect(network.name(), file, inputs, forward(block, inputs, manager));
    }

    @Test
    void pythonComputesWhatIsCompacted() throws IOException, InterruptedException {
        assumeFalse(Engine.getEngine("PyTorch").getVersion().startsWith("2.0."), "LibTorch 2.0");
        try (NDManager manager = NDManager.newBaseManager()) {
            int[] image = {3, 32, 32};
            Map<String, Block> networks =
                    Map.of(
                            "ResNet-18", PrunedNetworks.resnet(8),
                            "ResNet-18, dense", PrunedNetworks.resnet(8),
                            "MobileNetV2", MobileNetV2.builder().setOutSize(9).build(),
                            "DenseNet-121", DenseNet121.builder().setClasses(9).build());
            for (Map.Entry<String, Block> network : networks.entrySet()) {
                Block block = PrunedNetworks.pruned(network.getValue(), manager, 0.8, image);
                String file = network.getKey() + ".pt";
                Shape shape = PrunedNetworks.batch(1, image);
                TorchScriptExporter.builder()
                        .optCompact(true)
                        .optSparseFrom(file.contains("dense") ? Double.POSITIVE_INFINITY : 0)
                        .optVerify(false)
                        .build()
                        .export(block, folder.resolve(file), shape);
                NDArray images = manager.randomNormal(PrunedNetworks.batch(3, image));
                NDList inputs = new NDList(images);
                expect(network.getKey(), file, inputs, forward(block, inputs, manager));
                manifest.get(manifest.size() - 1).put("inference", true);
            }
            for (JsonObject result : consume()) {
                for (String run :
                        List.of(
                                "difference",
                                "frozen",
                                "behind",
                                "channels_last",
                                "doubles",
                                "resaved")) {
                    assertThat(result.get(run).getAsFloat())
                            .as("%s %s", run, result)
                            .isLessThan(1e-4f);
                }
                assertThat(result.get("gradients").getAsInt())
                        .as(result.toString())
                        .isEqualTo(result.get("parameters").getAsInt());
                assertThat(result.get("of_images").getAsFloat()).isPositive();
                assertThat(result.get("of_none").getAsInt()).isZero();
                boolean trains = result.get("name").getAsString().contains("dense");
                assertThat(
                                result.get("refusal")
                                        .getAsString()
                                        .contains("Compacted weights do not train: export"))
                        .as(result.toString())
                        .isEqualTo(!trains);
            }
        }
    }

    @Test
    void pythonComputesFreezesTrainsAndSavesWhatIsExported()
            throws IOException, InterruptedException {
        List<Networks> networks = new ArrayList<>(Networks.own());
        networks.addAll(Networks.zoo());
        for (Networks network : networks) {
            try (NDManager manager = NDManager.newBaseManager()) {
                export(network, Compression.DEFLATE, manager);
            }
        }

        for (JsonObject result : consume()) {
            String name = result.get("name").getAsString();
            assertThat(result.get("difference").getAsFloat()).as(name).isLessThan(2e-5f);
            assertThat(result.get("frozen").getAsFloat()).as(name).isLessThan(2e-5f);
            assertThat(result.get("resaved").getAsFloat()).as(name).isLessThan(2e-5f);
            assertThat(result.get("gradients").getAsInt())
                    .as(name)
                    .isPositive()
                    .isEqualTo(result.get("parameters").getAsInt());
        }
    }

    @Test
    void pythonComputesWhatIsExportedOfEveryBlock() throws IOException, InterruptedException {
        for (Networks network : Networks.blocks()) {
            try (NDManager manager = NDManager.newBaseManager()) {
                export(network, Compression.NONE, manager);
            }
        }

        for (JsonObject result : consume()) {
            String name = result.get("name").getAsString();
            // See TorchScriptExporterTest: BERT adds up the rounding of many layers.
            float tolerance = name.startsWith("Bert") ? 2e-4f : 2e-5f;
            for (String run : List.of("difference", "frozen", "resaved")) {
                assertThat(result.get(run).getAsFloat())
                        .as("%s %s", name, run)
                        .isLessThan(tolerance);
            }
            assertThat(result.get("gradients").getAsInt())
                    .as(name)
                    .isEqualTo(result.get("parameters").getAsInt());
        }
    }

    @Test
    void whatPythonTrainedOnComesBack() throws IOException, InterruptedException {
        Networks network = Networks.own().get(0);
        try (NDManager manager = NDManager.newBaseManager()) {
            for (Compression compression : Compression.values()) {
                export(network, compression, manager);
            }
            consume();
            for (Map<String, Object> entry : manifest) {
                String saved = entry.get("file").toString().replace(".pt", ".resaved.pt");
                FloatBuffer expected =
                        ByteBuffer.wrap(Files.readAllBytes(folder.resolve(saved + ".out")))
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .asFloatBuffer();
                ByteBuffer input =
                        ByteBuffer.wrap(
                                Files.readAllBytes(folder.resolve(entry.get("file") + ".in0")));
                NDArray images = manager.create(input, new Shape(3, 1, 28, 28), DataType.FLOAT32);
                try (Model model = TorchScriptModels.load(folder.resolve(saved), Device.cpu())) {
                    NDList outputs = forward(model.getBlock(), new NDList(images), manager);
                    NDArray want = manager.create(expected, new Shape(3, 10), DataType.FLOAT32);
                    assertThat(TorchScriptExporter.difference(want, outputs.head()))
                            .as(saved)
                            .isLessThan(2e-5f);
                }
            }
        }
    }

    @Test
    void aSparseModuleIsDenseInPythonAndStaysSmallWhenSaved()
            throws IOException, InterruptedException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Networks network = Networks.own().get(3);
            Block block = network.initialize(manager);
            try (Model model = Model.newInstance("pruned")) {
                model.setBlock(block);
                prune(model, network.shapes()[0], 10, 0.999);
                NDList inputs = new NDList(manager.randomNormal(new Shape(2, 3, 32, 32)));
                TorchScriptExporter.builder()
                        .optCompression(Compression.SPARSE)
                        .build()
                        .export(block, folder.resolve("sparse.pt"), network.shapes());
                expect("sparse", "sparse.pt", inputs, forward(block, inputs, manager));
            }
        }

        JsonObject result = consume().get(0);
        assertThat(result.get("difference").getAsFloat()).isLessThan(2e-5f);
        assertThat(result.get("parameters").getAsInt()).isEqualTo(62);
        assertThat(result.get("weights").getAsLong()).isEqualTo(11_164_352);
        assertThat(result.get("remaining").getAsLong()).isEqualTo(11_164);
        // One step without masks makes weights dense, as training in Python should hold them.
        assertThat(Files.size(folder.resolve("sparse.pt"))).isLessThan(447_000);
    }

    /** Takes two steps, and prunes after the first. */
    private static void prune(Model model, Shape input, int classes, double sparsity) {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.oneShot(sparsity, Unit.STEP, 1))
                        .build();
        Sgd sgd = Sgd.builder().setLearningRateTracker(new Milestones(0.01f, 1f)).build();
        DefaultTrainingConfig config =
                new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                        .optDevices(new Device[] {Device.cpu()})
                        .optOptimizer(pruner.wrap(sgd))
                        .addTrainingListeners(pruner.listener());
        Engine.getInstance().setRandomSeed(1);
        try (Trainer trainer = model.newTrainer(config)) {
            trainer.initialize(input);
            for (int step = 0; step < 2; step++) {
                try (NDManager manager = trainer.getManager().newSubManager()) {
                    long[] sizes = input.getShape().clone();
                    sizes[0] = 4;
                    NDList data = new NDList(manager.randomNormal(new Shape(sizes)));
                    NDList labels =
                            new NDList(
                                    manager.randomInteger(
                                            0, classes, new Shape(4), DataType.INT64));
                    try (GradientCollector collector = trainer.newGradientCollector()) {
                        NDList outputs = trainer.forward(data, labels);
                        collector.backward(trainer.getLoss().evaluate(labels, outputs));
                    }
                    trainer.step();
                }
            }
            assertThat(pruner.prunings()).isEqualTo(1);
        }
    }

    @Test
    void modulesOfPythonArePrunedHereAndGoBack() throws IOException, InterruptedException {
        Python.run("produce.py", folder);
        Map<String, Shape> inputs =
                Map.of("resnet18", new Shape(1, 3, 32, 32), "branching", new Shape(1, 6));
        Map<String, Long> remaining = new LinkedHashMap<>();
        try (NDManager manager = NDManager.newBaseManager()) {
            for (Map.Entry<String, Shape> entry : inputs.entrySet()) {
                String name = entry.getKey();
                try (Model model =
                        TorchScriptModels.load(folder.resolve(name + ".pt"), Device.cpu())) {
                    prune(model, entry.getValue(), 3, 0.99);
                    SparsityReport report =
                            SparsityReport.ofZeros(model, WeightSelector.builder().build());
                    remaining.put(name, report.remaining());
                    assertThat(report.remaining()).isEqualTo(Math.round(report.weights() * 0.01));

                    long[] sizes = entry.getValue().getShape().clone();
                    sizes[0] = 2;
                    NDList images = new NDList(manager.randomNormal(new Shape(sizes)));
                    NDList outputs = forward(model.getBlock(), images, manager);
                    for (Compression way : List.of(Compression.NONE, Compression.DEFLATE)) {
                        String file = name + "-" + way + ".pt";
                        TorchScriptModels.save(model, folder.resolve(file), way);
                        expect(name, file, images, outputs);
                    }
                }
                assertThat(Files.size(folder.resolve(name + "-DEFLATE.pt")))
                        .isLessThan(Files.size(folder.resolve(name + "-NONE.pt")));
            }
        }

        for (JsonObject result : consume()) {
            String name = result.get("name").getAsString();
            assertThat(result.get("difference").getAsFloat()).as(name).isLessThan(2e-5f);
            assertThat(result.get("remaining").getAsLong()).as(name).isEqualTo(remaining.get(name));
        }
    }

    @Test
    void whatCannotBePrunedIsRefusedInOneSentence() throws IOException, InterruptedException {
        Python.run("produce.py", folder);

        assertThatThrownBy(() -> TorchScriptModels.load(folder.resolve("frozen.pt")))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageContaining("has no parameters to train, as after torch.jit.freeze");
        assertThatThrownBy(() -> TorchScriptModels.load(folder.resolve("traced.pt")))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageContaining("save torch.jit.script(module) instead of torch.jit.trace");
        assertThatThrownBy(() -> TorchScriptModels.load(folder.resolve("state_dict.pt")))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageContaining("was written by torch.save and holds no code");
    }

    @Test
    void metadataIsReadInPython() throws IOException, InterruptedException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Networks network = Networks.own().get(0);
            Block block = network.initialize(manager);
            ScriptMetadata metadata =
                    new ScriptMetadata(
                            List.of(1L, 28L, 28L),
                            List.of(0.25f),
                            List.of(0.5f),
                            List.of("a", "b"),
                            "flipout",
                            0.99,
                            false,
                            Map.of("flipout", "0.1.0"));
            Path file = folder.resolve("meta.pt");
            TorchScriptExporter.builder()
                    .optMetadata(metadata)
                    .build()
                    .export(block, file, network.shapes());
            NDList inputs = new NDList(manager.randomNormal(new Shape(2, 1, 28, 28)));
            expect("meta", "meta.pt", inputs, forward(block, inputs, manager));

            assertThat(TorchScriptFile.open(file).metadata()).contains(metadata);
        }
        JsonObject read = consume().get(0).getAsJsonObject("metadata");
        assertThat(read.get("input_shape").toString()).isEqualTo("[1,28,28]");
        assertThat(read.get("mean").toString()).isEqualTo("[0.25]");
        assertThat(read.get("std").toString()).isEqualTo("[0.5]");
        assertThat(read.get("classes").toString()).isEqualTo("[\"a\",\"b\"]");
        assertThat(read.get("method").getAsString()).isEqualTo("flipout");
        assertThat(read.get("sparsity").getAsDouble()).isEqualTo(0.99);
        assertThat(read.get("versions").toString()).isEqualTo("{\"flipout\":\"0.1.0\"}");
    }
}
