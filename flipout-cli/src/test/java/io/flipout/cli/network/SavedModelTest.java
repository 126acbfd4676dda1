package io.flipout.cli.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.cli.Shell;
import io.flipout.cli.TinyData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SavedModelTest {

    @TempDir private Path folder;
    private Path run;
    private Path params;

    @BeforeEach
    void train() throws IOException {
        Path data = TinyData.write(folder.resolve("data"), 20, 10);
        run = folder.resolve("run");
        Shell shell =
                Shell.run(TinyData.command("train", data, run, "--method", "none", "--epochs", 1));
        assertThat(shell.status()).as(shell.err()).isZero();
        params = run.resolve("model").resolve("lenet300-0000.params");
    }

    private void assertFault(int status, String sentence, Object... command) {
        Shell shell = Shell.run(command);
        assertThat(shell.err()).isEqualTo("flipout: " + sentence + System.lineSeparator());
        assertThat(shell.status()).isEqualTo(status);
    }

    @ParameterizedTest
    @ValueSource(strings = {"inspect", "evaluate"})
    void damagedParametersAreNamed(String command) throws IOException {
        String fault =
                params
                        + " could not be loaded as lenet300: it is damaged, or --model must name"
                        + " another network.";
        byte[] good = Files.readAllBytes(params);
        Files.write(params, Arrays.copyOf(good, 5000));
        assertFault(1, fault, command, run);
        Files.write(params, new byte[0]);
        assertFault(1, fault, command, run);
        Files.writeString(params, "no parameters at all");
        assertFault(1, fault, command, run);
        Files.delete(params);
        assertFault(2, params.getParent() + " holds no .params or .pt file.", command, run);
    }

    @ParameterizedTest
    @ValueSource(strings = {"inspect", "evaluate"})
    void aDamagedConfigurationIsNamed(String command) throws IOException {
        Path config = run.resolve("config.yaml");
        Files.writeString(config, "5");
        assertFault(2, config + " must hold lines of 'option: value'.", command, run);
        Files.delete(config);
        assertFault(2, run + " is no run: it has no config.yaml.", command, run);
    }

    @Test
    void aDamagedListOfClassesIsNamed() throws IOException {
        Path names = params.resolveSibling("synset.txt");
        Files.write(names, new byte[] {(byte) 0xff});
        assertFault(
                1,
                names
                        + " is damaged: remove it, or write the names of the classes into it, one a"
                        + " line.",
                "export",
                run,
                "--out",
                folder.resolve("model.pt"));
        assertThat(folder.resolve("model.pt")).doesNotExist();
    }

    @Test
    void imagesOfAnotherSizeAreRefused() throws IOException {
        TinyData.write(folder.resolve("data"), "t10k", 10, 32, 1);
        assertFault(
                2,
                "The network was trained on images of 28×28 and cannot take these of 32×32: give"
                        + " the --dataset and --image-size of its training.",
                "evaluate",
                run);
    }

    /** Images in colour of two classes, one of which has no test images. */
    @Test
    void aRunOnAFolderOfImagesIsEvaluatedAsItWasTrained() throws IOException {
        Path images = TinyData.writeImages(folder.resolve("images"));
        Path colour = folder.resolve("colour");
        Shell shell =
                Shell.run(
                        "train",
                        "--model",
                        "lenet5",
                        "--dataset",
                        "folder",
                        "--data",
                        images,
                        "--image-size",
                        32,
                        "--device",
                        "cpu",
                        "--sparsity",
                        0.5,
                        "--epochs",
                        2,
                        "--out",
                        colour);
        assertThat(shell.status()).as(shell.err()).isZero();
        Shell evaluate = Shell.run("evaluate", colour, "--device", "cpu");
        assertThat(evaluate.err()).isEmpty();
        assertThat(evaluate.out()).contains("on the 1 test images of folder: accuracy ");
        // 20·3·25 + 50·20·25 + 500·1250 + 2·500 weights, half of them left.
        assertThat(Shell.run("inspect", colour).out())
                .contains("326,250 of 652,500 prunable weights left");
    }

    @Test
    void aNarrowNetworkIsLoadedInItsWidth() throws IOException {
        Path narrow = folder.resolve("narrow");
        Shell shell =
                Shell.run(
                        "train",
                        "--model",
                        "resnet18",
                        "--width",
                        2,
                        "--dataset",
                        "mnist",
                        "--data",
                        folder.resolve("data"),
                        "--device",
                        "cpu",
                        "--sparsity",
                        0.5,
                        "--epochs",
                        2,
                        "--out",
                        narrow);
        assertThat(shell.status()).as(shell.err()).isZero();
        Path file = narrow.resolve("model").resolve("resnet18-0000.params");
        for (Object model : List.of(narrow, file)) {
            Shell inspect = Shell.run("inspect", model, "--model", "resnet18");
            assertThat(inspect.err()).isEmpty();
            assertThat(inspect.out()).contains("conv1.weight").contains("2×1×3×3");
        }
        assertThat(Shell.run("evaluate", narrow, "--device", "cpu").status()).isZero();
    }

    @Test
    void parametersOfAnotherNetworkAreRefused() {
        assertFault(
                1,
                params
                        + " could not be loaded as lenet5: it is damaged, or --model must name"
                        + " another network.",
                "inspect",
                run,
                "--model",
                "lenet5");
    }
}
