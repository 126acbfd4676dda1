package io.flipout.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FirstAnswerTest {

    @TempDir private Path folder;

    @Test
    void theLibraryAnswersWithTenMegabytesOfJars() throws IOException {
        List<Path> classPath = FirstAnswer.classPath("flipout");
        assertThat(classPath).noneMatch(entry -> entry.toString().contains("pytorch"));
        List<Path> jars = classPath.stream().filter(Files::isRegularFile).toList();
        assertThat(FirstAnswer.bytes(jars)).isBetween(1_000_000L, 10_000_000L);
        Path file = folder.resolve("network.pt");
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Models.get("lenet300").newBlock(1, 10);
            Shape one = new Shape(1, 1, 28, 28);
            block.initialize(manager, DataType.FLOAT32, one);
            TorchScriptExporter.builder().optVerify(false).build().export(block, file, one);
        }
        assertThat(FirstAnswer.seconds("flipout", file, new int[] {1, 28, 28})).isPositive();
    }
}
