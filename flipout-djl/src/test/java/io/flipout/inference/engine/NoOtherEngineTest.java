package io.flipout.inference.engine;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.Engine;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.ndarray.NDManager;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import io.flipout.inference.image.ImageTranslator;
import java.awt.image.BufferedImage;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine in a JVM that has no PyTorch, and in one that has but must not load it. */
class NoOtherEngineTest {

    @TempDir private Path folder;

    /** Predicts, and says what of PyTorch was loaded for it. */
    static final class Program {

        private Program() {}

        public static void main(String[] args) throws Exception {
            System.out.println("default " + Engine.getDefaultEngineName());
            Image image =
                    ImageFactory.getInstance()
                            .fromImage(new BufferedImage(9, 9, BufferedImage.TYPE_INT_RGB));
            try (ZooModel<Image, Classifications> model =
                            Criteria.builder()
                                    .setTypes(Image.class, Classifications.class)
                                    .optEngine("FlipOut")
                                    .optModelPath(Path.of(args[0]))
                                    .optTranslator(ImageTranslator.builder().build())
                                    .build()
                                    .loadModel();
                    Predictor<Image, Classifications> predictor = model.newPredictor()) {
                System.out.println("best " + predictor.predict(image).best().getClassName());
                List<Classifications> many = predictor.batchPredict(List.of(image, image, image));
                System.out.println("batch " + many.size());
            }
            Path maps = Path.of("/proc/self/maps");
            System.out.println(
                    "libtorch "
                            + (Files.exists(maps)
                                    && Files.readString(maps, StandardCharsets.ISO_8859_1)
                                            .contains("libtorch")));
            try (NDManager manager = NDManager.newBaseManager("FlipOut")) {
                System.out.println("sum " + manager.create(new float[] {1, 2}).sum().getFloat());
            } catch (UnsupportedOperationException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    private List<String> run(boolean withPyTorch) throws Exception {
        Path file = Exported.write(folder.resolve("small.pt"));
        String path =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> withPyTorch || !entry.contains("pytorch"))
                        .collect(Collectors.joining(File.pathSeparator));
        Path out = folder.resolve("out");
        ProcessBuilder builder =
                new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xshare:auto",
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                        "-cp",
                        path,
                        Program.class.getName(),
                        file.toString());
        builder.environment().put("OPT_OUT_TRACKING", "true");
        Process process = builder.redirectErrorStream(true).redirectOutput(out.toFile()).start();
        List<String> lines;
        int status = process.waitFor();
        lines = Files.readAllLines(out);
        assertThat(status).as(String.join("\n", lines)).isZero();
        return lines;
    }

    @Test
    void predictsWithoutPyTorch() throws Exception {
        assertThat(run(false))
                .contains("default FlipOut", "batch 3", "libtorch false")
                .anyMatch(line -> line.startsWith("best "))
                .anyMatch(line -> line.startsWith("Arrays of the FlipOut engine only carry"));
    }

    @Test
    void loadsPyTorchOnlyForArithmetic() throws Exception {
        assertThat(run(true)).contains("default PyTorch", "batch 3", "libtorch false", "sum 3.0");
    }
}
