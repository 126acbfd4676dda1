package io.flipout.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.cli.Shell;
import io.flipout.models.Models;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchInferCommandTest {

    @Test
    void everyEngineSaysALineForEveryBatchAndThreads() throws Exception {
        Shell shell =
                Shell.run(
                        "bench",
                        "infer",
                        "--model",
                        "lenet300",
                        "--sparsity",
                        "0.9",
                        "--batch",
                        "1,3",
                        "--threads",
                        "1,2",
                        "--repeat",
                        "5",
                        "--warm-up",
                        "0.01");
        assertThat(shell.status()).as(shell.err()).isZero();
        List<String> seen = new ArrayList<>();
        for (String line : shell.out().lines().toList()) {
            JsonNode json = new ObjectMapper().readTree(line);
            assertThat(json.get("bench").asText()).isEqualTo("infer");
            assertThat(json.get("model").asText()).isEqualTo("lenet300");
            assertThat(json.get("sparsity").asDouble()).isEqualTo(0.9);
            double median = json.get("median_ms").asDouble();
            assertThat(median).isPositive().isLessThanOrEqualTo(json.get("p99_ms").asDouble());
            assertThat(json.get("images_per_second").asDouble() * median / 1000)
                    .isBetween(json.get("batch").asInt() * .99, json.get("batch").asInt() * 1.01);
            assertThat(json.get("difference").asDouble()).isBetween(0d, 1e-4);
            String engine = json.get("engine").asText();
            if (engine.equals("pytorch")) {
                assertThat(json.get("ratio").asDouble()).isEqualTo(1);
            }
            seen.add(json.get("threads") + " " + json.get("batch") + " " + engine);
        }
        assertThat(seen)
                .contains(
                        "1 1 pytorch",
                        "1 1 flipout",
                        "1 3 pytorch",
                        "1 3 flipout",
                        "2 1 pytorch",
                        "2 1 flipout",
                        "2 3 pytorch",
                        "2 3 flipout");
    }

    @Test
    void everyLayerIsPrunedToTheWeight() {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Models.get("lenet300").newBlock(1, 10);
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 1, 28, 28));
            RandomPruning.apply(block, .99);
            List<Long> zeros = new ArrayList<>();
            block.getParameters()
                    .values()
                    .forEach(
                            p -> {
                                if (p.getArray().getShape().dimension() > 1) {
                                    zeros.add(
                                            p.getArray()
                                                    .eq(0)
                                                    .toType(DataType.INT64, false)
                                                    .sum()
                                                    .getLong());
                                }
                            });
            assertThat(zeros).containsExactly(232_848L, 29_700L, 990L);
        }
    }

    @Test
    void misuseIsASentence() {
        for (Object[] words :
                new Object[][] {
                    {"Give a run"},
                    {"no-net", "--model", "no-net"},
                    {"--sparsity must be in [0, 1)", "--model", "lenet300", "--sparsity", "1"},
                    {"must be at least 1", "--model", "lenet300", "--batch", "0"},
                    {"must be at least 1", "--model", "lenet300", "--threads", "1,-1"},
                    {"There is no run or model", "nothing.pt"},
                    {"has its width and sparsity", "nothing.pt", "--sparsity", "0.5"},
                }) {
            List<Object> line = new ArrayList<>(List.of("bench", "infer"));
            line.addAll(List.of(words).subList(1, words.length));
            Shell shell = Shell.run(line);
            assertThat(shell.status()).isPositive();
            assertThat(shell.err().lines().findFirst().orElse("")).contains((String) words[0]);
        }
    }
}
