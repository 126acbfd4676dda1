package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainCommandTest {

    private static final int WEIGHTS = 266_200;

    @TempDir private static Path shared;
    private static Path data;

    @TempDir private Path folder;

    @BeforeAll
    static void writeData() throws IOException {
        data = TinyData.write(shared.resolve("data"), 200, 100);
    }

    private static Shell train(Path out, Object... options) {
        return Shell.run(TinyData.command("train", data, out, options));
    }

    private static JsonNode summary(Path run) throws IOException {
        return new ObjectMapper().readTree(run.resolve("summary.json").toFile());
    }

    private static List<CSVRecord> metrics(Path run) throws IOException {
        try (var parser =
                CSVFormat.DEFAULT
                        .builder()
                        .setHeader()
                        .setSkipHeaderRecord(true)
                        .get()
                        .parse(Files.newBufferedReader(run.resolve("metrics.csv")))) {
            return parser.getRecords();
        }
    }

    /** Rows without the columns of time. */
    private static List<List<String>> untimed(Path run) throws IOException {
        return metrics(run).stream().map(row -> row.toList().subList(0, row.size() - 2)).toList();
    }

    @ParameterizedTest
    @CsvSource({
        "flipout, 1.0",
        "noisy-global-magnitude, 1.0",
        "global-magnitude, 0.0",
        "random, 0.0",
        "none, 0.0"
    })
    void everyMethodHasItsNoise(String method, String noise, @TempDir Path folder)
            throws IOException {
        Path run = folder.resolve("run");
        Shell shell = train(run, "--method", method, "--sparsity", 0.5, "--epochs", 2);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(Files.readAllLines(run.resolve("config.yaml"))).contains("noise: " + noise);

        Path quiet = folder.resolve("quiet");
        train(quiet, "--method", method, "--sparsity", 0.5, "--epochs", 2, "--noise", 0);
        assertThat(untimed(run).equals(untimed(quiet))).isEqualTo(noise.equals("0.0"));
    }

    @ParameterizedTest
    @CsvSource({
        "flipout-adaptive, 0.999, 11",
        "flipout-adaptive, 0.75, 2",
        "flipout, 0.999, 11",
        "flipout, 0.75, 4",
        "global-magnitude, 0.999, 11",
        "global-magnitude, 0.9, 5",
        "noisy-global-magnitude, 0.999, 11",
        "noisy-global-magnitude, 0.9, 5",
        "magnitude-uncertainty, 0.9, 13",
        "lottery-ticket, 0.5, 1",
        "lottery-ticket, 0, 1",
        "layer-magnitude, 0.9, 5",
        "layer-magnitude, 0.999, 11",
        "obd, 0.9, 5",
        "obs, 0.9, 5",
        "snip, 0.9, 2",
        "snip, 0.999, 1",
        "deep-r, 0.9, 2",
        "deep-r, 0, 1",
        "random, 0.999, 11",
        "random, 0.5, 2",
        "none, 0, 1"
    })
    void everyMethodEndsAtExactlyItsSparsity(String method, double sparsity, int epochs)
            throws IOException {
        Path run = folder.resolve("run");
        // Each step of so few would prune, before ten values of a weight are recorded.
        String schedule = method.equals("magnitude-uncertainty") ? "paper" : "gradual";
        Shell shell =
                train(
                        run,
                        "--method",
                        method,
                        "--sparsity",
                        sparsity,
                        "--epochs",
                        epochs,
                        "--schedule",
                        schedule);
        assertThat(shell.status()).as(shell.err()).isZero();
        JsonNode summary = summary(run);
        long expected = Math.round(WEIGHTS * (1 - sparsity));
        assertThat(summary.get("remaining_weights").asLong()).isEqualTo(expected);
        assertThat(summary.get("sparsity").asDouble()).isEqualTo(1 - (double) expected / WEIGHTS);
        assertThat(shell.out())
                .contains(String.format(Locale.ROOT, "%,d of 266,200 weights", expected));
        // The saved weights agree with the masks.
        Shell inspect = Shell.run("inspect", run);
        assertThat(inspect.out())
                .contains(String.format(Locale.ROOT, "%,d of 266,200 prunable weights", expected))
                .contains(String.format(Locale.ROOT, "%,d of 266,200 multiply–adds", expected));
    }

    @Test
    void theSummaryHoldsWhatARunCameTo() throws IOException {
        Path run = folder.resolve("run");
        train(
                run,
                "--method",
                "flipout",
                "--schedule",
                "paper",
                "--sparsity",
                0.9,
                "--epochs",
                6,
                "--seed",
                3,
                "--val-size",
                50);
        JsonNode summary = summary(run);
        List<String> names = new ArrayList<>();
        summary.fieldNames().forEachRemaining(names::add);
        assertThat(names)
                .containsExactly(
                        "method",
                        "model",
                        "dataset",
                        "seed",
                        "epochs",
                        "total_params",
                        "prunable_weights",
                        "remaining_weights",
                        "sparsity",
                        "test_accuracy",
                        "test_loss",
                        "prunings",
                        "seconds",
                        "layers");
        assertThat(summary.get("method").asText()).isEqualTo("flipout");
        assertThat(summary.get("seed").asInt()).isEqualTo(3);
        assertThat(summary.get("total_params").asLong()).isEqualTo(266_610);
        assertThat(summary.get("prunings").asInt()).isEqualTo(3);
        JsonNode layer = summary.get("layers").get(0);
        assertThat(layer.get("name").asText()).isEqualTo("fc1.weight");
        assertThat(layer.get("shape").toString()).isEqualTo("[300,784]");
        assertThat(layer.get("weights").asLong()).isEqualTo(235_200);

        List<CSVRecord> rows = metrics(run);
        assertThat(rows).hasSize(6);
        CSVRecord last = rows.get(5);
        assertThat(last.get("test_accuracy")).isEqualTo(summary.get("test_accuracy").asText());
        assertThat(last.get("remaining_weights"))
                .isEqualTo(summary.get("remaining_weights").asText());
        assertThat(rows).allSatisfy(row -> assertThat(row.get("val_accuracy")).isNotEmpty());
        // A row tells the sparsity of the network it scored: the first pruning is in the next.
        assertThat(rows.get(0).get("sparsity")).isEqualTo("0.0");
        assertThat(Float.parseFloat(rows.get(5).get("learning_rate")))
                .isCloseTo(0.0005f, within(1e-9f));
    }

    @Test
    void snipPrunesBeforeTheFirstEpoch() throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        Shell shell = snip(run);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out()).contains("Pruning by snip before training to 26,620 weights");
        assertThat(scored(run)).hasSize(10).containsOnly(26_620L);
        assertThat(summary(run).get("prunings").asInt()).isEqualTo(5);
        assertThat(summary(run).get("test_accuracy").asDouble()).isGreaterThan(0.5);
        snip(again);
        assertThat(weights(again)).isEqualTo(weights(run));
    }

    @Test
    void deepRTrainsAsFewWeightsFromTheStart() throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        Shell shell = train(run, "--method", "deep-r", "--sparsity", 0.9, "--epochs", 10);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out())
                .contains("Pruning by deep-r before training to 26,620 weights")
                .doesNotContain("pruned:");
        assertThat(scored(run)).hasSize(10).containsOnly(26_620L);
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(weights(again)).isEqualTo(weights(run));
    }

    /** A neuron of fc1 has 784 weights, one of fc2 300. */
    @Test
    void filterPruningRemovesWholeNeurons() throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        Shell shell = train(run, "--method", "filter-pruning", "--sparsity", 0.9, "--epochs", 5);
        assertThat(shell.status()).as(shell.err()).isZero();
        JsonNode summary = summary(run);
        assertThat(summary.get("remaining_weights").asLong()).isBetween(26_620L, 26_620L + 783);
        JsonNode layers = summary.get("layers");
        assertThat(layers.get(0).get("remaining").asLong() % 784).isZero();
        assertThat(layers.get(1).get("remaining").asLong() % 300).isZero();
        assertThat(layers.get(2).get("remaining").asLong()).as("the output layer").isEqualTo(1_000);
        assertThat(Shell.run("inspect", run).out())
                .contains(
                        String.format(
                                Locale.ROOT,
                                "%,d of 266,200 prunable weights",
                                summary.get("remaining_weights").asLong()));
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(weights(again)).isEqualTo(weights(run));
    }

    @Test
    void softDeepRTellsTheWeightsThatEachEpochScored() throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        Shell shell =
                train(
                        run,
                        "--method",
                        "soft-deep-r",
                        "--soft-deep-r-density",
                        0.1,
                        "--deep-r-l1",
                        1e-3,
                        "--deep-r-noise",
                        1e-2,
                        "--epochs",
                        4);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out()).contains("before training to 26,620 weights");
        assertThat(scored(run)).doesNotHaveDuplicates();
        long left = summary(run).get("remaining_weights").asLong();
        assertThat(scored(run).get(3)).isEqualTo(left).isBetween(1L, WEIGHTS - 1L);
        // The saved weights agree with the masks.
        assertThat(Shell.run("inspect", run).out())
                .contains(String.format(Locale.ROOT, "%,d of 266,200 prunable weights", left));
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(weights(again)).isEqualTo(weights(run));
    }

    /** Which weights go is learned; what was scored, and saved, are the weights of test time. */
    @ParameterizedTest
    @CsvSource({
        "l0 --l0-strength 0.001 --l0-drop 0.9 --lr 0.05, adam",
        "l0 --l0-strength 0.001 --l0-gates neuron --l0-drop 0.9 --lr 0.05, adam",
        "variational-dropout --vd-variance -6 --vd-strength 3, adam",
        "dynamic-sparse --dst-strength 1e-2, sgd",
    })
    void latentWeightsLearnWhichOfThemAre0(String options, String optimizer) throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        List<Object> words = new ArrayList<>(List.of("--method"));
        words.addAll(List.of(options.split(" ")));
        words.addAll(List.of("--epochs", 10));
        Shell shell = train(run, words.toArray());
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out())
                .contains(
                        "while "
                                + options.substring(0, options.indexOf(' '))
                                + " learns which weights go.");
        assertThat(run.resolve("config.yaml"))
                .content()
                .contains("optimizer: \"" + optimizer + "\"");
        long left = summary(run).get("remaining_weights").asLong();
        assertThat(left).isBetween(1L, WEIGHTS - 1L);
        assertThat(scored(run).get(9)).isEqualTo(left);
        assertThat(Shell.run("inspect", run).out())
                .contains(String.format(Locale.ROOT, "%,d of 266,200 prunable weights", left));
        assertThat(Shell.run("evaluate", run, "--json").out())
                .contains(summary(run).get("test_accuracy").asText());
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(weights(again)).isEqualTo(weights(run));
    }

    @Test
    void snipsReleasedVariantKeepsOtherWeightsAndRepeatsBySeed() throws IOException {
        List<byte[]> weights = new ArrayList<>();
        for (String variant : List.of("original", "released", "released")) {
            Path run = folder.resolve("run" + weights.size());
            train(run, "--method", "snip", "--snip-variant", variant, "--epochs", 1);
            assertThat(summary(run).get("remaining_weights").asInt()).isEqualTo(2_662);
            weights.add(weights(run));
        }
        assertThat(weights.get(1)).isEqualTo(weights.get(2)).isNotEqualTo(weights.get(0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"obd", "obs"})
    void damageIsToldByExamplesAndRepeatsBySeed(String method) throws IOException {
        List<byte[]> weights = new ArrayList<>();
        for (int examples : new int[] {10, 10, 60}) {
            Path run = folder.resolve("run" + weights.size());
            train(
                    run,
                    "--method",
                    method,
                    "--sparsity",
                    0.75,
                    "--schedule",
                    "paper",
                    "--epochs",
                    3,
                    "--augment",
                    "--fisher-examples",
                    examples);
            assertThat(scored(run)).containsExactly(266_200L, 133_100L, 66_550L);
            weights.add(weights(run));
        }
        assertThat(weights.get(0)).isEqualTo(weights.get(1)).isNotEqualTo(weights.get(2));
    }

    @Test
    void hoyerSquareRegularisesPrunesBelowAThresholdAndFineTunes() throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        Shell shell =
                train(
                        run,
                        "--method",
                        "hoyer-square",
                        "--hoyer-strength",
                        0.01,
                        "--threshold",
                        0.001,
                        "--epochs",
                        10);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out())
                .contains("Pruning by hoyer-square after epoch 7 all weights below 0.001.");
        List<Long> scored = scored(run);
        assertThat(scored.subList(0, 7)).containsOnly((long) WEIGHTS);
        assertThat(scored.subList(7, 10))
                .containsOnly(summary(run).get("remaining_weights").asLong());
        assertThat(scored.get(9)).isBetween(1L, WEIGHTS - 1L);
        assertThat(Files.readString(run.resolve("config.yaml")))
                .contains("fine-tune: 3")
                .doesNotContain("\nsparsity");
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(untimed(again)).isEqualTo(untimed(run));
    }

    @Test
    void layerMagnitudeTakesTheSameShareOfEveryLayer() throws IOException {
        Path run = folder.resolve("run");
        train(
                run,
                "--method",
                "layer-magnitude",
                "--sparsity",
                0.5,
                "--schedule",
                "paper",
                "--epochs",
                2);
        for (JsonNode layer : summary(run).get("layers")) {
            assertThat(layer.get("remaining").asLong() * 2)
                    .isEqualTo(layer.get("weights").asLong());
        }
        assertThat(Files.readString(run.resolve("config.yaml"))).contains("allocation: \"layer\"");
    }

    /** .5·(1 − (1 − i/3)³) of 79,510 weights, of each layer: 70.4, 96.3 and 100 % of the way. */
    @Test
    void gmpPrunesEveryLayerAlongTheCubic() throws IOException {
        Path run = folder.resolve("run");
        train(run, "--method", "gmp", "--sparsity", 0.5, "--epochs", 4);
        List<Long> scored = scored(run);
        assertThat(scored.get(0)).isEqualTo(WEIGHTS);
        assertThat((double) scored.get(1) / WEIGHTS).isCloseTo(1 - .5 * 19 / 27, within(1e-5));
        assertThat((double) scored.get(2) / WEIGHTS).isCloseTo(1 - .5 * 26 / 27, within(1e-5));
        assertThat(scored.get(3)).isEqualTo(WEIGHTS / 2);
        assertThat(Files.readString(run.resolve("config.yaml")))
                .contains("allocation: \"layer\"", "gmp-end: 3");
    }

    /** 4 steps an epoch; what the length of the training decides is written down. */
    @Test
    void rewiringKeepsTheNumberOfWeightsOfEveryLayer() throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        train(run, "--method", "set", "--sparsity", 0.9, "--epochs", 3);
        assertThat(summary(run).get("remaining_weights").asLong()).isEqualTo(WEIGHTS / 10);
        assertThat(Files.readString(run.resolve("config.yaml")))
                .contains("allocation: \"erk\"", "rewire-every: 4", "rewire-until: 12");
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(untimed(again)).isEqualTo(untimed(run));
        train(again, "--method", "rigl", "--rewire-every", 2, "--epochs", 2, "--overwrite");
        assertThat(summary(again).get("remaining_weights").asLong()).isEqualTo(WEIGHTS / 100);
        assertThat(Files.readString(again.resolve("config.yaml"))).contains("rewire-until: 6");
    }

    /** Noise is for any method, and changes what it comes to. */
    @Test
    void anyMethodTakesNoise() throws IOException {
        List<List<List<String>>> metrics = new ArrayList<>();
        for (String noise :
                List.of(
                        "--noise 0",
                        "--noise 1",
                        "--noise 1 --noise-scale annealed",
                        "--noise 1 --noise-scale langevin --momentum 0")) {
            Path run = folder.resolve("run");
            Shell shell =
                    train(
                            run,
                            (Object[]) ("--overwrite --method gmp --epochs 2 " + noise).split(" "));
            assertThat(shell.status()).as(shell.err()).isZero();
            assertThat(metrics.contains(untimed(run))).isFalse();
            metrics.add(untimed(run));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nag", "adam", "adamw", "rmsprop", "adagrad"})
    void everyOptimizerTrainsAndIsRepeatedByItsConfiguration(String optimizer) throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        Shell shell = train(run, "--optimizer", optimizer, "--sparsity", 0.5, "--epochs", 2);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(summary(run).get("remaining_weights").asLong()).isEqualTo(WEIGHTS / 2);
        assertThat(Files.readString(run.resolve("config.yaml")))
                .contains("optimizer: \"" + optimizer + "\"", "weight-decay:");
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(untimed(again)).isEqualTo(untimed(run));
    }

    @Test
    void hansRulePrunesByQualityAndRetrainsAgainAndAgain() throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        Shell shell = train(run, "--method", "layer-magnitude", "--quality", 0.5, "--epochs", 8);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out())
                .contains(
                        "Pruning by layer-magnitude after epochs 2, 4, 6 all weights below 0.5"
                                + " standard deviations of their layer.");
        assertThat(scored(run)).isSortedAccordingTo(Comparator.reverseOrder());
        assertThat(scored(run).stream().distinct()).hasSize(4);
        assertThat(summary(run).get("prunings").asInt()).isEqualTo(3);
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(untimed(again)).isEqualTo(untimed(run));
    }

    @Test
    void aNetworkWithoutWeightsIsReportedAsSuch() throws IOException {
        Path run = folder.resolve("run");
        Shell shell = train(run, "--method", "hoyer-square", "--threshold", 1000, "--epochs", 2);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out()).contains("with 0 of 266,200 weights.").doesNotContain("∞");
    }

    private static Shell snip(Path run) {
        return train(
                run,
                "--method",
                "snip",
                "--sparsity",
                0.9,
                "--snip-steps",
                5,
                "--snip-batches",
                2,
                "--epochs",
                10);
    }

    @Test
    void aNetworkLearns() throws IOException {
        Path run = folder.resolve("run");
        train(run, "--sparsity", 0.9, "--epochs", 10);
        assertThat(summary(run).get("test_accuracy").asDouble()).isGreaterThan(0.9);
    }

    @Test
    void aSeedRepeatsARunBitForBit() throws IOException {
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        Path other = folder.resolve("other");
        for (Path run : List.of(first, second)) {
            train(run, "--sparsity", 0.9, "--epochs", 5, "--seed", 7, "--augment");
        }
        train(other, "--sparsity", 0.9, "--epochs", 5, "--seed", 8, "--augment");
        assertThat(untimed(first)).isEqualTo(untimed(second)).isNotEqualTo(untimed(other));
        assertThat(weights(first)).isEqualTo(weights(second)).isNotEqualTo(weights(other));
    }

    @Test
    void aRunCanBeRepeatedFromItsConfiguration() throws IOException {
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        train(
                first,
                "--method",
                "global-magnitude",
                "--sparsity",
                0.8,
                "--epochs",
                5,
                "--noise",
                0.5,
                "--milestones",
                "2,4",
                "--exclude",
                "fc3.*",
                "--layer-floor",
                10,
                "--limit",
                150);
        // Sums round differently on another number of threads, so that is a part of it.
        assertThat(Files.readString(first.resolve("config.yaml"))).containsPattern("threads: \\d+");
        Shell shell = Shell.run("train", "--config", first.resolve("config.yaml"), "--out", second);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(untimed(second)).isEqualTo(untimed(first));
        assertThat(weights(second)).isEqualTo(weights(first));
        assertThat(Files.readString(second.resolve("config.yaml")))
                .isEqualTo(Files.readString(first.resolve("config.yaml")));
    }

    private static byte[] weights(Path run) throws IOException {
        return Files.readAllBytes(run.resolve("model").resolve("lenet300-0000.params"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--method none --sparsity 0.5       | --sparsity does not apply to none",
                "--method none --layer-floor 5      | --layer-floor does not apply to none",
                "--method random --p 3 --quality 1  | --p does not apply to random; --quality does not apply to random",
                "--method snip --prune-rate 0.3     | --prune-rate does not apply to snip",
                "--method flipout --snip-steps 2    | --snip-steps does not apply to flipout",
                "--method flipout --noise 0 --noise-scale weight | --noise-scale does not apply to flipout",
                "--method hoyer-square --layer-floor 3 --prune-rate 0.5 | --layer-floor does not; --prune-rate does not",
                "--method layer-magnitude --quality 1 --allocation layer | --allocation does not apply to layer-magnitude",
                "--method soft-deep-r --deep-r-l1 1e-4 --fine-tune 2 | --fine-tune does not apply to soft-deep-r",
                "--method l0 --layer-floor 3 --dst-reset 0.1 | --layer-floor does not apply to l0; --dst-reset does not apply to l0",
                "--method variational-dropout --l0-strength 2 | --l0-strength does not apply to variational-dropout",
                "--method dynamic-sparse --allocation layer | --allocation does not apply to dynamic-sparse",
                "--image-size 32                    | --image-size does not apply to mnist",
                "--p 3 --prune-rate 0.6 --noise 1 --noise-scope all --layer-floor 3 | ''",
                "--method flipout --p 3 --schedule paper --prune-rate 0.6 --noise-scope all | ''",
                "--method gmp --prune-end 3 | --prune-end does not apply to gmp",
                "--method deep-r --deep-r-l1 1e-4   | ''",
                "--method obd --obs-block 9         | --obs-block does not apply to obd",
                "--method obs --obs-block 9 --obs-damp 1e-3 --fisher-examples 5 --prune-rate 0.9 | ''",
            })
    void whatIsNotUsedIsSaid(String options, String notes) {
        List<Object> words = new ArrayList<>(List.of(options.split(" ")));
        words.addAll(List.of("--epochs", 8, "--limit", 10));
        Shell shell = train(folder.resolve("run"), words.toArray());
        assertThat(shell.status()).as(shell.err()).isZero();
        if (notes.isEmpty()) {
            assertThat(shell.err()).isEmpty();
        } else {
            String[] each = notes.split("; ");
            assertThat(shell.err()).contains(each).hasLineCount(each.length);
        }
    }

    @Test
    void whatAFileSaysInVainIsSaid() throws IOException {
        Path file =
                Files.writeString(folder.resolve("c.yaml"), "method: random\np: 3\nquality: 1\n");
        Shell shell = train(folder.resolve("run"), "--config", file, "--epochs", 8, "--limit", 10);
        assertThat(shell.err())
                .contains("--p does not apply to random", "--quality does not apply to random")
                .hasLineCount(2);
        // A run's own file holds the defaults of all methods.
        Object config = folder.resolve("run/config.yaml");
        Shell again = Shell.run("train", "--config", config, "--out", folder.resolve("again"));
        assertThat(again.status()).isZero();
        assertThat(again.err()).doesNotContain("--snip-batches");
    }

    /** 784·300 + 300·100 + 100·10 weights are used once, pruned or not, prunable or not. */
    @Test
    void multiplyAddsAreThoseOfAllLayers() throws IOException {
        Path run = folder.resolve("run");
        Shell shell = train(run, "--exclude", "fc1.*", "--sparsity", 0.5, "--epochs", 2);
        assertThat(shell.out()).contains("250,700 of 266,200 multiply–adds an image are left.");
        assertThat(Shell.run("inspect", run).out())
                .contains("250,700 of 266,200 multiply–adds an image are left.");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--modle lenet5 | Unknown option '--modle'. Did you mean --model?",
                "--batchsize=5  | Unknown option '--batchsize=5'. Did you mean --batch-size?",
                "--epoch 3      | Did you mean --epochs?",
            })
    void aSlipOfThePenIsPutRight(String options, String sentence) {
        Shell shell = train(folder.resolve("run"), (Object[]) options.split(" "));
        assertThat(shell.status()).isEqualTo(2);
        assertThat(shell.err()).contains(sentence).doesNotContain("--momentum");
        assertThat(Shell.run("trian").err())
                .contains("Unknown command 'trian'. Did you mean train?");
        assertThat(Shell.run("train", "--colour").err()).contains("and others, see --help");
    }

    /** What an option left open is left open again where another one changes what it follows. */
    @Test
    void whatWasInProportionStaysSoAndWhatWasGivenStays() throws IOException {
        Path first = folder.resolve("first");
        train(first, "--method", "hoyer-square", "--epochs", 7, "--threshold", 0.01);
        assertThat(Files.readAllLines(first.resolve("config.yaml")))
                .contains("fine-tune: 2", "- 4", "- 6");
        Path longer = folder.resolve("longer");
        Object config = first.resolve("config.yaml");
        Shell.run("train", "--config", config, "--epochs", 14, "--limit", 60, "--out", longer);
        assertThat(Files.readAllLines(longer.resolve("config.yaml")))
                .contains("fine-tune: 4", "- 8", "- 11");
        Path other = folder.resolve("other");
        Shell.run(
                "train", "--method=flipout", "--config", config, "--sparsity=0.5", "--out", other);
        assertThat(Files.readAllLines(other.resolve("config.yaml"))).contains("noise: 1.0");

        Path given = folder.resolve("given");
        train(given, "--epochs", 3, "--milestones", "1,2", "--sparsity", 0.5, "--noise", 0.5);
        config = given.resolve("config.yaml");
        Shell.run("train", "--config", config, "--epochs=6", "--out", longer, "--overwrite");
        assertThat(Files.readString(longer.resolve("config.yaml")))
                .contains("milestones:\n- 1\n- 2\n", "noise: 0.5");
        // Nor is it left open there: a next one keeps it, too.
        config = longer.resolve("config.yaml");
        Shell.run("train", "--config", config, "--epochs", 7, "--out", other, "--overwrite");
        assertThat(Files.readString(other.resolve("config.yaml")))
                .contains("milestones:\n- 1\n- 2\n", "noise: 0.5");
    }

    @Test
    void evaluateScoresTheSavedNetworkAsTheLastEpochDid() throws IOException {
        Path run = folder.resolve("run");
        train(run, "--sparsity", 0.9, "--epochs", 5);
        Shell shell = Shell.run("evaluate", run, "--device", "cpu");
        assertThat(shell.out())
                .contains(
                        String.format(
                                Locale.ROOT,
                                "accuracy %.2f %%",
                                100 * summary(run).get("test_accuracy").asDouble()));
        Shell byFile =
                Shell.run(
                        "evaluate",
                        run.resolve("model").resolve("lenet300-0000.params"),
                        "--dataset",
                        "mnist",
                        "--data",
                        data,
                        "--device",
                        "cpu");
        assertThat(byFile.out()).contains(shell.out().substring(shell.out().indexOf("accuracy")));
    }

    /** Sparsity .5904 at r = .2: log .4096 / log .8 = 4 prunings. */
    @Test
    void aLotteryTicketIsTrainedInRoundsThatStartAnew() throws IOException {
        Path run = folder.resolve("run");
        Path again = folder.resolve("again");
        Shell shell =
                train(
                        run,
                        "--method",
                        "lottery-ticket",
                        "--sparsity",
                        0.5904,
                        "--epochs",
                        2,
                        "--milestones",
                        1,
                        "--rewind-step",
                        4);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out())
                .contains("Training for 5 rounds of 2 epochs.")
                .contains("epoch  1/10")
                .contains("epoch 10/10")
                .contains("\n10 epochs in ");
        assertThat(scored(run))
                .containsExactly(
                        266_200L, 266_200L, 212_960L, 212_960L, 170_368L, 170_368L, 136_294L,
                        136_294L, 109_036L, 109_036L);
        // Four steps are an epoch: later rounds begin with the second one's learning rate.
        assertThat(rates(run)).containsExactly(500L, 50L, 50L, 50L, 50L, 50L, 50L, 50L, 50L, 50L);
        assertThat(summary(run).get("epochs").asInt()).isEqualTo(10);
        assertThat(summary(run).get("prunings").asInt()).isEqualTo(4);
        assertThat(Files.readString(run.resolve("config.yaml")))
                .contains("prune-rate: 0.2", "epochs: 2");
        Shell.run("train", "--config", run.resolve("config.yaml"), "--out", again);
        assertThat(untimed(again)).isEqualTo(untimed(run));
        assertThat(weights(again)).isEqualTo(weights(run));
    }

    @Test
    void learningRatesOfALotteryTicketStartAnewInEveryRound() throws IOException {
        Path run = folder.resolve("run");
        train(run, "--method", "lottery-ticket", "--sparsity", 0.36, "--epochs", 2, "--limit", 50);
        assertThat(rates(run)).containsExactly(500L, 50L, 500L, 50L, 500L, 50L);
    }

    /** The learning rates of the epochs in ten-thousandths. */
    private static List<Long> rates(Path run) throws IOException {
        return metrics(run).stream()
                .map(row -> Math.round(1e4 * Double.parseDouble(row.get("learning_rate"))))
                .toList();
    }

    /** The weights that each epoch scored; a pruning shows in the next epoch. */
    private static List<Long> scored(Path run) throws IOException {
        return metrics(run).stream()
                .map(row -> Long.parseLong(row.get("remaining_weights")))
                .toList();
    }

    @Test
    void aPeriodTakesThePruningsItNeedsForASparsity() throws IOException {
        Path run = folder.resolve("run");
        train(run, "--prune-every", 2, "--sparsity", 0.75, "--epochs", 7);
        assertThat(summary(run).get("prunings").asInt()).isEqualTo(2);
        assertThat(scored(run))
                .containsExactly(266_200L, 266_200L, 133_100L, 133_100L, 66_550L, 66_550L, 66_550L);
    }

    @Test
    void aPeriodAloneIsThePapersOwnForm() throws IOException {
        Path run = folder.resolve("run");
        // floor(266,200 / 2) = 133,100, then 66,550 go; the last epoch, a sixth, does not prune.
        train(run, "--prune-every", 2, "--epochs", 6);
        assertThat(scored(run))
                .containsExactly(266_200L, 266_200L, 133_100L, 133_100L, 66_550L, 66_550L);
        assertThat(summary(run).get("remaining_weights").asLong()).isEqualTo(66_550);
    }

    @Test
    void thePapersOwnFormTakesARateAndAPeriod() throws IOException {
        Path run = folder.resolve("run");
        train(run, "--prune-every", 2, "--prune-rate", 0.5, "--epochs", 5);
        assertThat(summary(run).get("prunings").asInt()).isEqualTo(2);
        assertThat(summary(run).get("remaining_weights").asLong()).isEqualTo(WEIGHTS / 4);
    }

    @Test
    void anotherRunIsOverwrittenOnlyOnDemand() throws IOException {
        Path run = folder.resolve("run");
        train(run, "--method", "none", "--epochs", 1);
        Shell refused = train(run, "--method", "none", "--epochs", 2);
        assertThat(refused.status()).isEqualTo(2);
        assertThat(refused.err()).contains("holds another run").contains("--overwrite");
        assertThat(summary(run).get("epochs").asInt()).isEqualTo(1);
        assertThat(train(run, "--method", "none", "--epochs", 2, "--overwrite").status()).isZero();
        assertThat(summary(run).get("epochs").asInt()).isEqualTo(2);
    }

    @Test
    void aDivergedRunSaysWhereAndKeepsWhatItHas() throws IOException {
        Path run = folder.resolve("run");
        Object[] options = {"--method", "none", "--epochs", 3, "--lr", "1e30"};
        Shell shell = train(run, options);
        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.err().strip())
                .matches("flipout: The loss became \\S+ at step \\d+ of epoch \\d+: .*");
        assertThat(run.resolve("config.yaml")).exists();
        assertThat(run.resolve("metrics.csv")).exists();
        assertThat(run.resolve("summary.json")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--model lenet                       | There is no model 'lenet'; there are lenet300,",
                "--dataset imagenet                  | Unknown data set 'imagenet'; there are",
                "--width 8                           | lenet300 comes in one width only; resnet18 has others",
                "--model resnet18 --width 0          | positive number of channels as its width, not 0",
                "--method magic                      | Unknown method 'magic'; there are flipout,",
                "--sparsity 1                        | sparsity must lie in [0, 1)",
                "--sparsity -0.1                     | sparsity must lie in [0, 1)",
                "--sparsity 0.9 --prune-rate 1       | rate must lie in (0, 1)",
                "--schedule paper --sparsity 0.999 --epochs 5         | takes 10 prunings",
                "--prune-end 0 --epochs 3            | --prune-end must lie within the training, between 0 and --epochs 3, got 0.0",
                "--prune-end 3 --epochs 3            | between 0 and --epochs 3, got 3.0",
                "--schedule gradual --prune-every 1  | instead of --prune-every, set --prune-end or --prune-rate",
                "--schedule paper --prune-end 1      | --prune-end does not go with it",
                "--schedule soon                     | 'soon' is not one of gradual, paper",
                "--rewire-share 2                    | share of the weights that is rewired must lie in (0, 1]",
                "--prune-every 5 --epochs 5          | never comes in a training of 5",
                "--include conv*.weight              | 'conv*.weight' matches no weight",
                "--exclude *                         | Nothing is left to prune",
                "--layer-floor 1000000               | floor",
                "--p -1                              | power p",
                "--noise -1                          | noise strength",
                "--method magnitude-uncertainty --uncertainty-values 1    | at least 2",
                "--method magnitude-uncertainty --uncertainty-lambda -1   | λ added to the deviation",
                "--method magnitude-uncertainty --uncertainty-every 0     | must be at least 1",
                "--method obd --fisher-examples 0    | must be at least 1, got 0",
                "--method obs --fisher-examples 0    | must be at least 1, got 0",
                "--method obs --obs-block 0          | must have 1 to 65535 weights, got 0",
                "--method obs --obs-block 65536      | must have 1 to 65535 weights, got 65536",
                "--method obs --obs-block 65535      | set smaller blocks by --obs-block, or give Java more memory",
                "--method obs --obs-damp 0           | damping of the Fisher information must be a number greater than 0, got 0.0",
                "--method obs --obs-damp NaN         | must be a number greater than 0, got NaN",
                "--method snip --prune-every 2       | set --sparsity and --snip-steps",
                "--method snip --snip-variant new    | 'new' is not one of original, released",
                "--method snip --snip-steps 0        | --snip-steps must be at least 1",
                "--method snip --snip-batches 0      | must be at least 1",
                "--method gmp --epochs 1             | no time within --epochs 1",
                "--method gmp --epochs 9 --gmp-end 9 | until --gmp-end 9, which is no time within --epochs 9",
                "--method gmp --gmp-begin -1         | after --gmp-begin -1",
                "--method movement --gmp-end 20 --epochs 8 | movement prunes every --prune-every 1 epochs",
                "--method gmp --prune-rate 0.5       | instead of --prune-rate, set --gmp-begin",
                "--method rigl --rewire-share 0      | share of the weights that is rewired must lie in (0, 1], got 0.0",
                "--method rigl --rewire-every 0      | must be at least 1, got 0",
                "--method set --rewire-until 0       | must be at least 1",
                "--method set --prune-every 2        | set trains as few weights from the start",
                "--method grasp --prune-every 2      | grasp prunes before training: instead of --prune-every, set --sparsity",
                "--method grasp --grasp-batches 0    | --grasp-batches must be at least 1",
                "--method grasp --grasp-temperature 0 | temperature must be a number greater than 0",
                "--method synflow --synflow-rounds 0 | --synflow-rounds must be at least 1",
                "--method deep-r --prune-every 2     | instead of --prune-every, set --sparsity",
                "--method deep-r --sparsity 1        | sparsity must lie in [0, 1)",
                "--method deep-r --sparsity 0.9999999 | leaves none of 266200 weights",
                "--method deep-r --deep-r-l1 -1      | numbers of at least 0, got -1",
                "--method deep-r --deep-r-noise NaN  | numbers of at least 0, got 1.0E-5 and NaN",
                "--method filter-pruning --sparsity 0.999 --epochs 22 | down to 266 of 266200 weights, as every layer keeps one and the output layer all of them: 2084 weights, a sparsity of 0.9921, is as far as it goes",
                "--method filter-pruning --allocation layer | instead of --allocation and --layer-floor, set --include",
                "--method filter-pruning --layer-floor 5   | instead of --allocation and --layer-floor, set --include",
                "--method soft-deep-r --sparsity 0.9        | instead of --sparsity, set --soft-deep-r-density",
                "--method soft-deep-r --prune-every 2       | instead of --prune-every, set --soft-deep-r-density",
                "--method soft-deep-r --soft-deep-r-density 0 | density p of soft Deep-R must lie in (0, 1)",
                "--method soft-deep-r --soft-deep-r-density 1 | density p of soft Deep-R must lie in (0, 1)",
                "--method soft-deep-r --deep-r-l1 0         | strength of L1 must be a number greater than 0",
                "--method soft-deep-r --deep-r-noise 0      | noise strength must be a number greater than 0",
                "--method l0 --sparsity 0.9                | l0 cannot aim at a sparsity: instead of --sparsity, set --l0-strength",
                "--method l0 --prune-every 2               | instead of --prune-every, set --l0-strength",
                "--method l0 --l0-strength -1              | strength of L0 must be a number of at least 0, got -1.0",
                "--method l0 --l0-strength NaN             | strength of L0 must be a number of at least 0, got NaN",
                "--method l0 --l0-temperature 0            | temperature β of L0's gates must be a number greater than 0, got 0.0",
                "--method l0 --l0-stretch 0,1.1            | stretched from γ < 0 to ζ > 1",
                "--method l0 --l0-stretch=-0.1,1           | stretched from γ < 0 to ζ > 1",
                "--method l0 --l0-stretch=-0.1             | --l0-stretch takes two numbers",
                "--method l0 --l0-drop 1                   | must lie in (0, 1), got 1.0",
                "--method l0 --l0-gates filter             | 'filter' is not one of weight, neuron",
                "--method variational-dropout --sparsity 0.9      | cannot aim at a sparsity: instead of --sparsity, set --vd-strength",
                "--method variational-dropout --vd-strength -1    | strength of variational dropout must be a number of at least 0",
                "--method variational-dropout --vd-threshold 9    | must lie in (-8, 8], got 9.0",
                "--method variational-dropout --vd-variance NaN   | must be a number at first",
                "--method variational-dropout --vd-warm-up -1     | --vd-warm-up must be a number of epochs of at least 0, got -1.0",
                "--method dynamic-sparse --sparsity 0.9    | cannot aim at a sparsity: instead of --sparsity, set --dst-strength",
                "--method dynamic-sparse --dst-strength -1 | strength α of dynamic sparse training must be a number of at least 0",
                "--method dynamic-sparse --dst-reset 1     | must lie in [0, 1), got 1.0",
                "--method l0 --momentum 0.9                | --momentum is no option of --optimizer adam",
                "--method hoyer-square --sparsity 0.9      | cannot aim at a sparsity: instead of --sparsity, set --hoyer-strength",
                "--method hoyer-square --prune-every 2     | instead of --prune-every, set --hoyer-strength",
                "--method hoyer-square --hoyer-strength 0  | strength of Hoyer-Square must be a number greater than 0",
                "--method hoyer-square --threshold 0       | threshold must be a number greater than 0",
                "--method hoyer-square --epochs 1          | --fine-tune 1 does not fit into --epochs 1",
                "--method hoyer-square --fine-tune 0       | --fine-tune 0 does not fit",
                "--method layer-magnitude --quality 1 --sparsity 0.9      | give --sparsity or --quality, not both",
                "--method layer-magnitude --quality 1 --epochs 1          | --prune-every epochs: 1 does not fit into --epochs 1",
                "--method layer-magnitude --quality 0      | threshold must be a number greater than 0",
                "--method lottery-ticket --prune-every 2                  | instead of --prune-every, set --epochs, those of one round",
                "--method lottery-ticket --epochs 2 --rewind-step 9       | --rewind-step 9 comes after the first pruning: a round has 8 steps",
                "--method lottery-ticket --rewind-step -1                 | step to rewind to must be at least 0",
                "--epochs 0                          | --epochs",
                "--batch-size 0                      | --batch-size",
                "--lr Infinity                       | --lr must be a number greater than 0",
                "--weight-decay Infinity             | --weight-decay must be a number",
                "--gamma Infinity                    | --gamma must be a number greater than 0",
                "--milestones 3,0                    | --milestones must be at least 1, got [3, 0]",
                "--noise NaN                         | noise strength must be a number greater than 0, or 0",
                "--noise-scale loud                  | 'loud' is not one of gradient, weight, fixed, annealed, langevin",
                "--method random --noise -1          | noise strength must be a number greater than 0, or 0",
                "--allocation local                  | 'local' is not one of global, layer, erk, or N:M such as 2:4",
                "--allocation 4:2                    | keeps N of every M weights, at least 1 and fewer than M, such as 2:4; got 4:2",
                "--allocation 2:4 --sparsity 0.9     | comes to a sparsity of 0.5: --sparsity 0.9 does not go with it",
                "--allocation 2:4 --layer-floor 1    | --layer-floor does not go with it",
                "--allocation 5:1000                 | multiple of 1000, and the network has none",
                "--allocation 2:4 --method deep-r    | would not keep to N of every M",
                "--model vgg16 --limit 10            | Vgg cannot take images of 28×28",
                "--val-size 200                      | validation",
                "--device gpu7                       | There is no GPU 7",
                "--device tpu                        | Unknown device 'tpu'",
                "--device gpu99999999999             | Unknown device 'gpu99999999999'",
                "--momentum 1                        | momentum",
                "--optimizer lion                    | 'lion' is not one of sgd, nag, adam, adamw, rmsprop, adagrad",
                "--optimizer adam --momentum 0.9     | --momentum is no option of --optimizer adam",
                "--betas 0.9,0.99                    | --betas is no option of --optimizer sgd",
                "--optimizer adam --betas 0.9        | --betas takes two numbers",
                "--optimizer adamw --betas 0.9,1     | beta 2 must lie in [0, 1), got 1.0",
                "--optimizer nag --momentum 0        | Nesterov needs a momentum above 0",
                "--optimizer nag --epsilon 1e-8      | --epsilon is no option of --optimizer nag",
                "--optimizer adagrad --epsilon 0     | Epsilon must be a number greater than 0",
                "--optimizer adagrad --rmsprop-alpha 0.5 | --rmsprop-alpha is no option of --optimizer adagrad",
                "--optimizer rmsprop --rmsprop-alpha 1 | alpha must lie in [0, 1), got 1.0",
                "--config nowhere.yaml               | no configuration file nowhere.yaml",
                "--colour red                        | Unknown option '--colour'; there are --model,",
            })
    void wrongUseIsOneSentenceAndLeavesNothing(String options, String sentence) {
        Path run = folder.resolve("run");
        Shell shell = train(run, (Object[]) options.split(" "));
        assertThat(shell.err()).contains(sentence).doesNotContain("\tat ");
        assertThat(shell.status()).isEqualTo(2);
        assertThat(run).doesNotExist();
    }

    @Test
    void damagedDataIsNamed() throws IOException {
        Path broken = TinyData.write(folder.resolve("broken"), 20, 10);
        Path images = broken.resolve("train-images-idx3-ubyte");
        byte[] bytes = Files.readAllBytes(images);
        Files.write(images, Arrays.copyOf(bytes, bytes.length - 1));
        Path run = folder.resolve("run");
        Shell shell = train(run, "--data", broken);
        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.err()).contains(images + " is truncated");
        assertThat(run).doesNotExist();
    }

    @Test
    void testImagesOfAnotherSizeAreRefused() throws IOException {
        Path mixed = TinyData.write(folder.resolve("mixed"), 20, 10);
        TinyData.write(mixed, "t10k", 10, 32, 1);
        Path run = folder.resolve("run");
        Shell shell = train(run, "--data", mixed);
        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.err())
                .contains("The training images are of 28×28 pixels, the test images of 32×32");
        assertThat(run).doesNotExist();
    }

    @Test
    void aFolderWithinAFileIsWrongUse() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "mine");
        Shell shell = train(file.resolve("run"));
        assertThat(shell.status()).isEqualTo(2);
        assertThat(shell.err()).contains(file + " is a file, not a folder: choose another --out.");
        assertThat(file).hasContent("mine");
    }

    @Test
    void aFullMemoryIsOneSentence() throws IOException {
        Path images = TinyData.writeImages(folder.resolve("images"));
        // One image alone would take 8 GB of Java's memory.
        Shell shell =
                train(
                        folder.resolve("run"),
                        "--dataset",
                        "folder",
                        "--data",
                        images,
                        "--image-size",
                        46_000);
        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.err()).startsWith("flipout: Java's memory is full: ").hasLineCount(1);
    }

    @Test
    void aBatchMayBeLargerThanTheSet() throws IOException {
        Path run = folder.resolve("run");
        Shell shell = train(run, "--method", "none", "--epochs", 1, "--batch-size", 3_000_000);
        assertThat(shell.status()).as(shell.err()).isZero();
    }

    @Test
    void missingDataSaysWhichFilesAreExpected() {
        Shell shell = Shell.run("train", "--dataset", "cifar10", "--data", folder, "--epochs", 8);
        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.err()).contains("data_batch_1.bin").contains(folder.toString());
    }

    @Test
    void aCommandIsNeeded() {
        assertThat(Shell.run().status()).isEqualTo(2);
        assertThat(Shell.run("prune").err())
                .contains("Unknown command 'prune'; there are train, resume, compare,");
        assertThat(Shell.run("inspect", folder.resolve("nothing")).err())
                .contains("There is no run or model");
        assertThat(Shell.run("--help").out())
                .contains("train", "evaluate", "inspect", "export", "bench");
    }
}
