package io.flipout.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The examples do what they say. */
class RunTest {

    private static final Path EXAMPLES = Path.of("src", "examples");

    @TempDir private Path folder;

    private interface Example {
        void run(String... args) throws Exception;
    }

    private String output(Example example) throws Exception {
        PrintStream out = System.out;
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        System.setOut(new PrintStream(written, true, UTF_8));
        try {
            example.run(folder.toString());
        } finally {
            System.setOut(out);
        }
        return written.toString(UTF_8);
    }

    private void assertDeployed(Example example) throws Exception {
        String output = output(example);
        assertThat(output).containsPattern("(?m)^total .* 90\\.0\\d+ %$");
        String difference = output.replaceAll("(?s).*Largest difference: (\\S+)\\s*", "$1");
        assertThat(Float.parseFloat(difference)).isLessThan(1e-5f);
    }

    @Test
    void imageNetwork() throws Exception {
        assertDeployed(ImageNetwork::main);
    }

    @Test
    void textNetwork() throws Exception {
        assertDeployed(TextNetwork::main);
    }

    @Test
    void transformerNetwork() throws Exception {
        assertDeployed(TransformerNetwork::main);
    }

    /** The backbone has 150,528 weights, which are not pruned: the head has 64·32 + 32·2. */
    @Test
    void transferLearning() throws Exception {
        assertThat(output(TransferLearning::main))
                .containsPattern("(?m)^total +2,112 +211 +90\\.009 %$");
    }

    @Test
    void loopOfYourOwn() throws Exception {
        assertThat(output(LoopOfYourOwn::main))
                .contains("Epoch 1: 0.53")
                .contains("Epoch 3: 0.8999973617560152")
                .contains("Epoch 4: 0.8999973617560152");
    }

    /** The convolution has 3·8·9 weights, the layer 8·2. */
    @Test
    void oneCallAStep() throws Exception {
        assertThat(output(OneCallAStep::main)).containsPattern("(?m)^total +232 +23 +90\\.086 %$");
    }

    @Test
    void methodOfYourOwn() throws Exception {
        assertThat(output(MethodOfYourOwn::main))
                .containsPattern("(?m)^total +75,808 +7,581 +90\\.000 %$");
    }

    @Test
    void saveAndGoOn() throws Exception {
        assertThat(output(SaveAndGoOn::main))
                .contains("Going on after epoch 2")
                .containsPattern("(?m)^total +75,808 +7,581 +90\\.000 %\\s*\\z");
    }

    @Test
    void jshell() throws Exception {
        Path log = folder.resolve("log");
        Process shell =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "jshell")
                                        .toString(),
                                "--class-path",
                                System.getProperty("java.class.path"),
                                EXAMPLES.resolve(Path.of("jshell", "prune.jsh")).toString())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        assertThat(shell.waitFor(5, TimeUnit.MINUTES)).isTrue();
        assertThat(Files.readString(log)).containsPattern("(?m)^total +576 +58 +89\\.931 %$");
    }

    /** What is meant to be read at a glance has to be short. */
    @ParameterizedTest
    @ValueSource(strings = {"ImageNetwork", "TextNetwork", "TransformerNetwork"})
    void areShort(String name) throws IOException {
        Path file = EXAMPLES.resolve(Path.of("java", "io", "flipout", "examples", name + ".java"));
        List<String> lines = Files.readAllLines(file);
        assertThat(lines.stream().dropWhile(line -> !line.startsWith("public final class")).count())
                .isLessThanOrEqualTo(40);
    }
}
