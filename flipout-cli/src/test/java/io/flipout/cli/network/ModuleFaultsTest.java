package io.flipout.cli.network;

import static io.flipout.djl.torchscript.HandMadeModule.LINEAR;
import static io.flipout.djl.torchscript.HandMadeModule.forward;
import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.cli.Shell;
import io.flipout.cli.TinyData;
import io.flipout.djl.torchscript.HandMadeModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Modules of others that cannot be used say why, before a run begins. */
class ModuleFaultsTest {

    private static final String SCORES = "torch.linear(torch.flatten(x, 1), self.w)";

    @TempDir private static Path shared;
    private static Path data;

    @TempDir private Path folder;

    @BeforeAll
    static void writeImages() throws IOException {
        data = TinyData.write(shared.resolve("data"), 20, 10);
    }

    private Shell train(Path model, Object... more) {
        List<Object> words =
                new ArrayList<>(TinyData.command("train", data, folder.resolve("run")));
        words.addAll(List.of("--model", model));
        words.addAll(more.length > 0 ? List.of(more) : List.of("--epochs", 1, "--method", "none"));
        return Shell.run(words);
    }

    private Path module(String methods) throws IOException {
        return HandMadeModule.write(folder.resolve("net.pt"), 10, 784, methods);
    }

    private void assertRefused(String methods, String... parts) throws IOException {
        Shell shell = train(module(methods));
        assertThat(shell.err()).contains(parts).doesNotContain("\tat ");
        assertThat(shell.err().lines().filter(line -> line.startsWith("flipout: "))).hasSize(1);
        assertThat(shell.status()).isNotZero();
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void whatHindersAModuleIsTold() throws IOException {
        assertRefused(
                "  def forward(self: __torch__.Root,\n    x: Tensor,\n    y: Tensor) -> Tensor:\n"
                        + "    return torch.add(y, "
                        + SCORES
                        + ")\n",
                "missing value for argument 'y'");
        assertRefused(LINEAR.replace("forward", "infer"), "'forward' is not defined");
        assertRefused(
                forward(
                        "Tensor",
                        "torch.add("
                                + SCORES
                                + ", torch.zeros([10], dtype=None, layout=None,"
                                + " device=torch.device(\"cuda:0\")))"),
                "CUDA",
                "device");
        assertRefused(
                forward("Tensor", "torch.linear(x, self.w)"),
                "does not take images of shape 1×28×28",
                "shapes cannot be multiplied",
                "--dataset");
        assertRefused(
                forward("Tensor", "torch.linear(torch.to(torch.flatten(x, 1), 7), self.w)"),
                "Images are float32: save module.float().");
        assertRefused(
                forward("Tuple[Tensor, Tensor]", "(" + SCORES + ", x)"),
                "returns 2 tensors, (1, 10), (1, 1, 28, 28)");
        assertRefused(
                forward("Dict[str, Tensor]", "{\"scores\": " + SCORES + ", \"x\": x}"),
                "returns 2 tensors",
                "scores (1, 10)");
        assertRefused(forward("Tensor", "torch.detach(" + SCORES + ")"), "has no gradient");
        assertRefused(
                "  def forward(self: __torch__.Root,\n    x: Tensor) -> Tensor:\n"
                        + "    if self.training:\n"
                        + "      ops.prim.RaiseException(\"no training here\")\n"
                        + "    else:\n      pass\n    return "
                        + SCORES
                        + "\n",
                "cannot be trained: no training here");
    }

    @Test
    void oneTensorInADictionaryIsTaken() throws IOException {
        Path model = module(forward("Dict[str, Tensor]", "{\"scores\": " + SCORES + "}"));
        assertThat(train(model).status()).isZero();
    }

    @Test
    void partsThatNoGradientReachesAreTold() throws IOException {
        Path model = module(forward("Tensor", SCORES.replace("self.w)", "torch.mul(self.w, 0))")));
        Shell shell = train(model);
        assertThat(shell.err()).contains("No gradient reaches w");
    }

    @Test
    void namesTellWhatAFileIs() throws IOException {
        Path model = module(LINEAR);
        Path upper = Files.copy(model, folder.resolve("NET2.PT"));
        assertThat(train(upper).status()).isZero();
        Path weights = Files.copy(model, folder.resolve("net.pth"));
        for (Shell shell :
                List.of(
                        train(weights),
                        Shell.run("evaluate", weights, "--dataset", "mnist", "--data", data))) {
            assertThat(shell.err())
                    .contains("ends in .pth")
                    .contains("torch.jit.script(module).save(\"net.pt\")");
            assertThat(shell.status()).isEqualTo(2);
        }
    }

    @Test
    void gradientsOfAModuleAreThereToPruneBy() throws IOException {
        Shell shell = train(module(LINEAR), "--method", "obd", "--sparsity", 0.5, "--epochs", 2);
        assertThat(shell.err()).doesNotContain("flipout: ");
        assertThat(shell.status()).isZero();
    }
}
