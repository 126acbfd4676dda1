package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
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
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.WeightSelector;
import io.flipout.models.ResNet18;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TorchScriptModelsTest {

    private static final Shape IMAGE = new Shape(1, 3, 16, 16);

    @TempDir private Path folder;
    private Path file;

    private static Block narrow() {
        return ResNet18.builder().optWidth(4).setClasses(10).build();
    }

    @BeforeEach
    void export() throws IOException {
        file = folder.resolve("narrow.pt");
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = narrow();
            block.initialize(manager, DataType.FLOAT32, IMAGE);
            TorchScriptExporter.builder().build().export(block, file, IMAGE);
        }
    }

    /** Takes three steps and returns their losses and what the network then says of an image. */
    private static List<Float> train(Model model) {
        Sgd sgd =
                Sgd.builder()
                        .setLearningRateTracker(new Milestones(0.05f, 1f))
                        .optMomentum(0.9f)
                        .build();
        List<Float> numbers = new ArrayList<>();
        DefaultTrainingConfig config =
                new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                        .optDevices(new Device[] {Device.cpu()})
                        .optOptimizer(sgd);
        try (Trainer trainer = model.newTrainer(config)) {
            trainer.initialize(IMAGE);
            NDManager manager = trainer.getManager();
            NDArray images = manager.arange(8 * 768f).sin().reshape(8, 3, 16, 16);
            NDArray labels = manager.arange(8).toType(DataType.INT64, false);
            for (int step = 0; step < 3; step++) {
                NDList data = new NDList(images);
                try (GradientCollector collector = trainer.newGradientCollector()) {
                    NDList outputs = trainer.forward(data, new NDList(labels));
                    NDArray loss = trainer.getLoss().evaluate(new NDList(labels), outputs);
                    collector.backward(loss);
                    numbers.add(loss.getFloat());
                }
                trainer.step();
            }
            for (float value : trainer.evaluate(new NDList(images)).head().toFloatArray()) {
                numbers.add(value);
            }
        }
        return numbers;
    }

    /** Batch norm would tell at once if the module did not train, or did not stop to. */
    @Test
    void aModuleTrainsAsTheBlockItCameFrom() throws IOException {
        try (NDManager manager = NDManager.newBaseManager();
                Model model = Model.newInstance("block", Device.cpu());
                Model module = TorchScriptModels.load(file, Device.cpu())) {
            Block block = narrow();
            block.initialize(manager, DataType.FLOAT32, IMAGE);
            model.setBlock(block);
            TorchScriptExporter.builder().build().export(block, file, IMAGE);
            try (Model same = TorchScriptModels.load(file, Device.cpu())) {
                List<Float> expected = train(model);

                assertThat(train(same)).isEqualTo(expected);
                assertThat(train(module)).isNotEqualTo(expected);
                assertThat(expected).doesNotContain(Float.NaN);
            }
        }
    }

    @Test
    void namesAreThoseOfPythonAndNormsStayDense() throws IOException {
        try (Model model = TorchScriptModels.load(file, Device.cpu())) {
            List<ParameterInfo> parameters =
                    WeightSelector.builder().build().select(model.getBlock());

            assertThat(parameters)
                    .filteredOn(ParameterInfo::prunable)
                    .extracting(ParameterInfo::path)
                    .hasSize(21)
                    .contains("conv1.weight", "layer2.0.shortcut.0.weight", "linear.weight");
            assertThat(parameters)
                    .filteredOn(parameter -> !parameter.prunable())
                    .extracting(ParameterInfo::path)
                    .hasSize(41)
                    .contains("bn1.weight", "bn1.bias", "linear.bias");
        }
    }

    @Test
    void aSavedModuleIsTheSame() throws IOException {
        Path plain = folder.resolve("plain.pt");
        Path deflated = folder.resolve("deflated.pt");
        try (NDManager manager = NDManager.newBaseManager();
                Model model = TorchScriptModels.load(file, Device.cpu())) {
            train(model);
            NDArray image = manager.ones(new Shape(2, 3, 16, 16));
            TorchScriptModels.save(model, plain);
            TorchScriptModels.save(model, deflated, Compression.DEFLATE);
            float[] expected = forward(model, image);
            for (Path saved : List.of(plain, deflated)) {
                try (Model again = TorchScriptModels.load(saved, Device.cpu())) {
                    assertThat(forward(again, image)).isEqualTo(expected);
                }
            }
            assertThat(Files.size(deflated)).isLessThan(Files.size(plain));
            assertThat(folder.toFile().list())
                    .containsExactlyInAnyOrder("narrow.pt", "plain.pt", "deflated.pt");
            assertThatThrownBy(() -> TorchScriptModels.save(model, plain, Compression.SPARSE))
                    .hasMessageContaining("cannot be stored sparse");
        }
    }

    private static float[] forward(Model model, NDArray image) {
        try (NDManager manager = image.getManager().newSubManager()) {
            return model.getBlock()
                    .forward(new ParameterStore(manager, false), new NDList(image), false)
                    .head()
                    .toFloatArray();
        }
    }

    @Test
    void recordsAreAligned() throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile());
                RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "r")) {
            long position = 0;
            int records = 0;
            for (ZipEntry entry : zip.stream().toList()) {
                bytes.seek(position + 26);
                int name = Short.reverseBytes(bytes.readShort());
                int extra = Short.reverseBytes(bytes.readShort());
                position += 30 + name + extra;
                assertThat(position % 64).as(entry.getName()).isZero();
                position += entry.getCompressedSize();
                records++;
            }
            assertThat(records).isGreaterThan(100);
        }
    }

    private void assertRefused(Path path, String message) {
        assertThatThrownBy(() -> TorchScriptModels.load(path, Device.cpu()))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageStartingWith(path.toString())
                .hasMessageContaining(message);
    }

    @Test
    void whatIsNoTorchScriptIsRefused() throws IOException {
        Path text = folder.resolve("text.pt");
        Files.writeString(text, "weights");
        assertRefused(text, "is no TorchScript file");

        Path empty = folder.resolve("empty.pt");
        Files.createFile(empty);
        assertRefused(empty, "is no TorchScript file");

        Path zip = folder.resolve("zip.pt");
        try (ArchiveWriter archive = new ArchiveWriter(Files.newOutputStream(zip), "other")) {
            archive.write("readme", "text".getBytes(StandardCharsets.UTF_8), true);
        }
        assertRefused(zip, "is a zip archive but no TorchScript file");

        assertThatThrownBy(() -> TorchScriptModels.load(folder.resolve("none.pt")))
                .isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void aTruncatedFileIsRefused() throws IOException {
        byte[] content = Files.readAllBytes(file);
        for (double share : new double[] {0.1, 0.5, 0.99}) {
            byte[] part = java.util.Arrays.copyOf(content, (int) (content.length * share));
            Files.write(file, part);
            assertRefused(file, "is truncated or damaged");
        }
    }

    @Test
    void aNewerFormatIsRefused() throws IOException {
        Path newer = folder.resolve("newer.pt");
        rewrite(newer, "version", "11\n");
        assertRefused(newer, "has version 11 of the format, newer than the 10 that can be read");

        Path none = folder.resolve("unversioned.pt");
        rewrite(none, "version", "three");
        assertRefused(none, "does not tell its version");
    }

    private void rewrite(Path target, String record, String content) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile());
                ArchiveWriter archive =
                        new ArchiveWriter(Files.newOutputStream(target), "narrow")) {
            for (ZipEntry entry : zip.stream().toList()) {
                String name = entry.getName().substring("narrow/".length());
                byte[] bytes = zip.getInputStream(entry).readAllBytes();
                archive.write(
                        name,
                        name.equals(record) ? content.getBytes(StandardCharsets.UTF_8) : bytes,
                        false);
            }
        }
    }

    /** PyTorch itself loads such a file without a word. */
    @Test
    void aFlippedBitOfAWeightIsFound() throws IOException {
        byte[] content = Files.readAllBytes(file);
        content[content.length / 2] ^= 1;
        Files.write(file, content);

        assertRefused(file, "is damaged: its record narrow/data/");
    }
}
