package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.training.dataset.Dataset.Usage;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.djl.data.DataException;
import io.flipout.djl.data.DataSets;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.inference.Network;
import io.flipout.inference.image.ImageInput;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Predictions and evaluations by either engine, as a user types them. */
class PredictCommandTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private static Path shared;
    private static Path data;
    private static Path run;
    private static Path script;
    private static Path images;

    @TempDir private Path folder;

    @BeforeAll
    static void trainOnce() throws IOException {
        data = TinyData.write(shared.resolve("data"), 200, 100);
        run = shared.resolve("run");
        Shell shell =
                Shell.run(
                        TinyData.command(
                                "train", data, run, "--sparsity", 0.9, "--epochs", 5, "--seed", 3));
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out()).contains("./flipout predict " + run);
        script = shared.resolve("net.pt");
        assertThat(Shell.run("export", run, "--out", script, "--compress", "sparse").status())
                .isZero();
        images = Files.createDirectory(shared.resolve("images"));
        for (int label : List.of(3, 7)) {
            ImageIO.write(bar(label), "png", images.resolve(label + ".png").toFile());
        }
    }

    /** An image of {@link TinyData}'s kind: a bright bar where the class has it. */
    private static BufferedImage bar(int label) {
        BufferedImage image = new BufferedImage(28, 28, BufferedImage.TYPE_INT_RGB);
        for (int pixel = 0; pixel < 28 * 28; pixel++) {
            int grey = pixel / 28 / 3 == label ? 200 : 50;
            image.setRGB(pixel % 28, pixel / 28, grey << 16 | grey << 8 | grey);
        }
        return image;
    }

    private static List<JsonNode> json(Shell shell) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : shell.out().lines().toList()) {
            lines.add(JSON.readTree(line));
        }
        return lines;
    }

    @Test
    void bothEnginesSayTheSameOfRunsAndFiles() throws IOException {
        List<JsonNode> all = new ArrayList<>();
        for (Path network : List.of(run, script)) {
            for (String engine : List.of("flipout", "pytorch")) {
                Shell shell = Shell.run("predict", network, images, "--engine", engine, "--json");
                assertThat(shell.status()).as(shell.err()).isZero();
                assertThat(shell.err()).isEmpty();
                List<JsonNode> lines = json(shell);
                assertThat(lines).hasSize(2);
                all.add(lines.get(1));
                assertThat(lines.get(0).get("image").asText()).endsWith("3.png");
                assertThat(lines.get(0).at("/classes/0/name").asText()).isEqualTo("3");
            }
        }
        for (JsonNode line : all) {
            assertThat(line.at("/classes/0/name").asText()).isEqualTo("7");
            assertThat(line.get("classes")).hasSize(3);
            double before = 1;
            for (int i = 0; i < 3; i++) {
                double probability = line.at("/classes/" + i + "/probability").asDouble();
                assertThat(probability).isBetween(0d, before);
                assertThat(probability)
                        .isCloseTo(
                                all.get(0).at("/classes/" + i + "/probability").asDouble(),
                                within(1e-4));
                before = probability;
            }
        }
    }

    @Test
    void aLineAnImageNamesTheLikeliest() {
        Shell shell = Shell.run("predict", script, images.resolve("7.png"), "--top", 1);

        assertThat(shell.out().strip()).matches(".*7\\.png: 7 \\d+\\.\\d\\d %");
        Shell many = Shell.run("predict", script, images.resolve("7.png"), "--top", 50);
        assertThat(many.out().split("%")).hasSize(11); // Ten classes, and the end of the line.
    }

    @Test
    void whatCannotBeReadIsNamedWhileTheOthersGoOn() throws IOException {
        Path mixed = Files.createDirectory(folder.resolve("mixed"));
        Files.copy(images.resolve("3.png"), mixed.resolve("a.png"));
        Files.writeString(mixed.resolve("b.png"), "no image");
        byte[] whole = Files.readAllBytes(images.resolve("7.png"));
        Files.write(mixed.resolve("c.png"), Arrays.copyOf(whole, whole.length / 2));
        Files.write(mixed.resolve("._a.png"), new byte[10]);
        Files.writeString(mixed.resolve("notes.txt"), "not an image, nor named like one");
        Path deeper = Files.createDirectories(mixed.resolve("d/e"));
        Files.copy(images.resolve("7.png"), deeper.resolve("f.PNG"));
        Path empty = Files.createDirectory(folder.resolve("empty"));
        Path missing = folder.resolve("missing.png");

        Shell shell = Shell.run("predict", script, mixed, empty, missing, "--top", 1);

        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.out().lines()).hasSize(2).allMatch(line -> line.contains(" %"));
        assertThat(shell.out()).contains("a.png: 3", "f.PNG: 7");
        assertThat(shell.err().lines())
                .hasSize(4)
                .anyMatch(line -> line.contains("b.png is no image that can be decoded"))
                .anyMatch(line -> line.contains("c.png is no image that can be decoded"))
                .anyMatch(line -> line.contains(empty + " holds no images"))
                .anyMatch(line -> line.contains("There is no file " + missing));
    }

    @Test
    void imagesOfOtherSizesAreScaled() throws IOException {
        BufferedImage large = new BufferedImage(112, 56, BufferedImage.TYPE_INT_RGB);
        large.createGraphics().drawImage(bar(3), 0, 0, 112, 56, null);
        Path file = folder.resolve("large.png");
        ImageIO.write(large, "png", file.toFile());

        Shell shell = Shell.run("predict", script, file, file, "--top", 1);

        assertThat(shell.status()).isZero();
        assertThat(shell.out().lines()).hasSize(2).allMatch(line -> line.contains(": 3 "));
        assertThat(shell.err().strip())
                .isEqualTo(
                        "Images of other sizes are scaled to 28×28, whatever their aspect, as for"
                                + " training.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "deflate", "sparse"})
    void bothEnginesScoreTheSame(String compression) {
        Path file = folder.resolve("net.pt");
        Shell.run("export", run, "--out", file, "--compress", compression);
        List<String> scores = new ArrayList<>();
        for (Path network : List.of(run, file)) {
            for (String engine : List.of("flipout", "pytorch")) {
                scores.add(score(network, engine));
            }
        }
        assertThat(scores).containsOnly(scores.get(0));
    }

    private static String score(Path network, String engine) {
        Shell shell =
                Shell.run(
                        "evaluate",
                        network,
                        "--engine",
                        engine,
                        "--dataset",
                        "mnist",
                        "--data",
                        data);
        Matcher matcher = Pattern.compile("accuracy .*").matcher(shell.out());
        assertThat(matcher.find()).as(shell.err()).isTrue();
        return matcher.group();
    }

    @Test
    void aModuleThatNormalisesIsGivenPixels() throws IOException {
        Path file = folder.resolve("pixels.pt");
        Shell.run("export", run, "--out", file, "--with-preprocessing");

        assertThat(score(file, "flipout"))
                .isEqualTo(score(file, "pytorch"))
                .isEqualTo(score(run, "pytorch"));
        double[] probabilities = new double[2];
        for (int i = 0; i < 2; i++) {
            Path network = List.of(file, script).get(i);
            Shell shell = Shell.run("predict", network, images.resolve("3.png"), "--json");
            assertThat(shell.status()).as(shell.err()).isZero();
            probabilities[i] = json(shell).get(0).at("/classes/0/probability").asDouble();
        }
        assertThat(probabilities[0]).isCloseTo(probabilities[1], within(1e-4));
    }

    /** What PyTorch computes and this engine does not. */
    private Path foreign() throws IOException {
        Path file = folder.resolve("foreign.pt");
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Linear.builder().setUnits(10).build();
            Block whole =
                    new ai.djl.nn.SequentialBlock()
                            .add(list -> new ai.djl.ndarray.NDList(list.head().cumSum(3)))
                            .add(ai.djl.nn.Blocks.batchFlattenBlock())
                            .add(block);
            whole.initialize(manager, DataType.FLOAT32, new Shape(1, 1, 28, 28));
            TorchScriptExporter.builder().build().export(whole, file, new Shape(1, 1, 28, 28));
        }
        return file;
    }

    @Test
    void pytorchTakesOverWhatIsNotCovered() throws IOException {
        Path file = foreign();
        Path image = images.resolve("3.png");

        Shell shell = Shell.run("predict", file, image, "--dataset", "mnist");
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out()).contains("3.png: ");
        assertThat(shell.err().lines()).hasSize(1).allMatch(line -> line.contains("cumsum"));

        Shell asked =
                Shell.run("predict", file, image, "--dataset", "mnist", "--engine", "flipout");
        assertThat(asked.status()).isEqualTo(1);
        assertThat(asked.out()).isEmpty();
        assertThat(asked.err().lines())
                .hasSize(1)
                .allMatch(line -> line.contains("cumsum") && line.contains("PyTorch engine"));
    }

    @Test
    void misuseIsASentence() throws IOException {
        Path image = images.resolve("3.png");
        Path damaged = folder.resolve("damaged.pt");
        byte[] bytes = Files.readAllBytes(script);
        bytes[bytes.length / 2] ^= 1;
        Files.write(damaged, bytes);

        assertOneSentence("--top must be at least 1", "predict", script, image, "--top", 0);
        assertOneSentence("--image-size must be", "predict", script, image, "--image-size", 0);
        assertOneSentence("Missing required", "predict", script);
        assertOneSentence("There is no run or model", "predict", folder.resolve("x"), image);
        assertOneSentence("'onnx' is not one of", "predict", script, image, "--engine", "onnx");
        assertOneSentence("Unknown option '--config'", "predict", script, image, "--config", "x");
        assertOneSentence("threads must be at least 1", "predict", script, image, "--threads", 0);
        assertOneSentence("damaged.pt", "predict", damaged, image);
        for (String engine : List.of("flipout", "pytorch")) {
            assertOneSentence(
                    "; leave --image-size out, or give the side of the training.",
                    "predict",
                    run,
                    image,
                    "--image-size",
                    30,
                    "--engine",
                    engine);
        }
        assertOneSentence("net.pt takes", "predict", script, image, "--image-size", 30);
        assertOneSentence(
                "foreign.pt does not tell what images it takes: give the --dataset",
                "predict",
                foreign(),
                image);
        assertOneSentence(
                "The FlipOut engine computes on the CPU",
                "evaluate",
                script,
                "--engine",
                "flipout",
                "--device",
                "gpu");
    }

    private static void assertOneSentence(String part, Object... words) {
        Shell shell = Shell.run(words);
        assertThat(shell.status()).as(part).isPositive();
        assertThat(shell.out()).isEmpty();
        assertThat(shell.err().lines().filter(line -> !line.startsWith("Try ")))
                .hasSize(1)
                .allMatch(line -> line.startsWith("flipout: ") && line.contains(part));
    }

    /** All that there is to see in Fashion-MNIST is seen as by LibTorch. */
    @Test
    void everyTestImageIsOfTheSameClass() throws Exception {
        ImageSet test;
        try {
            test = DataSets.FASHION_MNIST.load(null, Usage.TEST, 0, note -> {});
        } catch (DataException e) {
            Assumptions.abort(e.getMessage());
            return;
        }
        Path trained = folder.resolve("run");
        Shell shell =
                Shell.run(
                        "train",
                        "--method",
                        "snip",
                        "--sparsity",
                        0.95,
                        "--epochs",
                        1,
                        "--limit",
                        6000,
                        "--lr",
                        0.05,
                        "--device",
                        "cpu",
                        "--out",
                        trained);
        assertThat(shell.status()).as(shell.err()).isZero();
        Path file = folder.resolve("fashion.pt");
        Shell.run("export", trained, "--out", file, "--compress", "sparse");

        ImageInput input = new ImageInput(1, 28, 28, DataSets.FASHION_MNIST.normalization());
        int different = 0;
        try (Network network = Network.load(file);
                Model model = TorchScriptModels.open(file, Device.cpu())) {
            for (int from = 0; from < test.size(); from += 500) {
                float[] numbers = new float[500 * input.size()];
                for (int i = 0; i < 500; i++) {
                    input.put(test.image(from + i), numbers, i * input.size());
                }
                float[] actual = network.predict(numbers, 500);
                try (NDManager manager = model.getNDManager().newSubManager()) {
                    ai.djl.ndarray.NDList outputs =
                            model.getBlock()
                                    .forward(
                                            new ai.djl.training.ParameterStore(manager, false),
                                            new ai.djl.ndarray.NDList(
                                                    manager.create(
                                                            numbers, new Shape(500, 1, 28, 28))),
                                            false);
                    outputs.attach(manager);
                    float[] expected = outputs.head().toFloatArray();
                    for (int i = 0; i < 500; i++) {
                        different += highest(actual, i) == highest(expected, i) ? 0 : 1;
                    }
                }
            }
        }
        assertThat(test.size()).isEqualTo(10_000);
        assertThat(different).isZero();
    }

    private static int highest(float[] scores, int image) {
        int highest = 0;
        for (int i = 1; i < 10; i++) {
            highest = scores[image * 10 + i] > scores[image * 10 + highest] ? i : highest;
        }
        return highest;
    }
}
