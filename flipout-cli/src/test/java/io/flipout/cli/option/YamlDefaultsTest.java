package io.flipout.cli.option;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.cli.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Option;

class YamlDefaultsTest {

    @TempDir private Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "sparsty: 0.9            | holds the unknown option 'sparsty'; there are allocation,",
                "help: true              | holds the unknown option 'help'",
                "config: other.yaml      | holds the unknown option 'config'",
                "model:                  | must give 'model' a value",
                "'model: {name: lenet5}' | must give 'model' a value",
                "milestones: []          | must give 'milestones' a value",
                "'seed: 1\nseed: 2'      | is not YAML in line 2: Duplicate field 'seed'",
                "'seed: 1\nlr: [0.1'     | is not YAML in line 2",
                "- lenet5                | must hold lines of 'option: value'",
                "''                      | must hold lines of 'option: value'",
                "'seed: 1\n---\nseed: 2' | holds a second document in line 3",
                "'seed: 1\n---\n'        | holds a second document in line",
                "'---\n---\nseed: 1'     | holds a second document in line 3",
                "'model: &m lenet5\nout: *m' | names a value *m: write the value itself.",
                "out: ~                  | must give 'out' a value",
                "seed: null              | must give 'seed' a value",
            })
    void aFaultIsNamedWithItsFile(String content, String fault) throws IOException {
        Path file = folder.resolve("config.yaml");
        Files.writeString(file, content.replace("\\n", "\n"));
        Path run = folder.resolve("run");
        Shell shell = Shell.run("train", "--config", file, "--out", run);
        assertThat(shell.err()).startsWith("flipout: " + file + " " + fault).hasLineCount(1);
        assertThat(shell.status()).isEqualTo(2);
        assertThat(run).doesNotExist();
    }

    /** Some options of a training. */
    @SuppressWarnings("UnusedVariable") // They are not read, only described.
    private static final class Few {
        @Option(names = "--out")
        private Path out;

        @Option(names = "--data")
        private Path data;

        @Option(names = "--model")
        private String model;

        @Option(names = "--exclude", split = ",")
        private List<String> exclude;

        @Option(names = "--epochs")
        private int epochs;

        @Option(names = "--lr")
        private Float lr;
    }

    private String read(String option, String content) throws IOException {
        Path file = folder.resolve("config.yaml");
        Files.writeString(file, content);
        CommandLine train = new CommandLine(new Few());
        YamlDefaults values = YamlDefaults.read(file, train.getCommandSpec());
        return values.defaultValue(train.getCommandSpec().findOption("--" + option));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2024_01",
                "001",
                "1e3",
                "0o17",
                "0x1F",
                "017",
                "1:30",
                "1_000",
                "+1",
                ".5",
                "1.",
                "yes",
                "no",
                "on",
                "off",
                "y",
                "true",
                "False",
                "null",
                "NULL",
                "2024-01-01",
                "2024-01-01T10:00:00Z",
                ".inf",
                ".nan",
                "-0",
                "1e400",
                "123456789012345678901234",
                "=",
                "<<",
                "a: b",
                "#a"
            })
    void aTextIsWhatIsWritten(String text) throws IOException {
        for (String option : List.of("out", "data", "model", "exclude")) {
            if (!text.contains(": ") && !text.contains("#")) {
                assertThat(read(option, option + ": " + text)).isEqualTo(text);
            }
            assertThat(read(option, option + ": '" + text + "'")).isEqualTo(text);
        }
        assertThat(read("exclude", "exclude: ['" + text + "', b]")).isEqualTo(text + ",b");
    }

    @ParameterizedTest
    @CsvSource({"epochs, 1_000, 1000", "epochs, 12, 12", "epochs, '\"12\"', 12", "lr, 1e-3, 0.001"})
    void aNumberIsWhatYamlTakesItFor(String option, String written, String value)
            throws IOException {
        assertThat(read(option, option + ": " + written)).isEqualTo(value);
    }

    /** A run's own file brings back what the run was. */
    @Test
    void whatIsWrittenComesBack() throws IOException {
        Path file = folder.resolve("config.yaml");
        for (String text :
                List.of(
                        "2024_01",
                        "001",
                        "1e3",
                        "null",
                        "~",
                        "yes",
                        " a ",
                        "a: b",
                        "# a",
                        "- a",
                        "'",
                        "\"",
                        "\\",
                        "\\n",
                        "two\nlines\n",
                        "\ttab",
                        "ä 梨 😀",
                        "*a",
                        "&a",
                        "!a",
                        "%a",
                        "@a",
                        "`a",
                        "{a}",
                        "[a]",
                        "a,b",
                        "?",
                        ":",
                        "---",
                        "...",
                        "\u0085",
                        "\u2028",
                        "\ufeffa",
                        "long words ".repeat(40))) {
            YamlDefaults.write(file, Map.of("data", text));
            assertThat(read("data", Files.readString(file))).isEqualTo(text);
        }
    }
}
