package io.flipout.cli.option;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.cli.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
}
