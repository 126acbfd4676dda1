package io.flipout.djl.torchscript;

import static io.flipout.djl.torchscript.HandMadeModule.module;
import static io.flipout.djl.torchscript.HandMadeModule.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import io.flipout.mask.BlockPaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No record of a file is longer than what tensors look at. */
class RecordSizeTest {

    private static final String CODE =
            HandMadeModule.code("Root", List.of("a"), List.of(), "torch.linear(x, self.a)");

    @TempDir private Path folder;

    /** A file whose one record has other numbers than its tensor of four, at the offset. */
    private Path file(int numbers, long said, long offset, boolean deflated) throws IOException {
        HandMadeModule file = new HandMadeModule(CODE).record("0", new float[numbers]);
        return (deflated ? file.deflated() : file)
                .write(
                        folder.resolve("sizes.pt"),
                        module("Root", "a", tensor("0", said, offset, true, 2, 2)));
    }

    private static void assertRefused(Path file, String message) {
        assertThatThrownBy(() -> TorchScriptModels.open(file, Device.cpu()))
                .isInstanceOf(TorchScriptException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(message);
    }

    @Test
    void whatFitsIsRead() throws IOException {
        TorchScriptModels.open(file(4, 4, 0, false), Device.cpu()).close();
        TorchScriptModels.open(file(4, 4, 0, true), Device.cpu()).close();
    }

    @Test
    void aRecordThatUnpacksToMoreThanItsTensorsTakeIsRefused() throws IOException {
        int million = 1 << 20;
        Path packed = file(million, 4, 0, true);
        assertThat(Files.size(packed)).isLessThan(10_000);
        assertRefused(packed, "hand/data/0 unpacks to 4194304 bytes, where at most 16 are of use");
        assertRefused(file(million, 4, 0, false), "where at most 16 are of use");
        // The pickle may lie along: the tensor does not look at so much.
        assertRefused(file(million, million, 0, true), "where at most 16 are of use");
    }

    /** PyTorch saves the whole of what a slice is part of; it was never packed. */
    @Test
    void aSliceOfAStoredRecordIsReadAndCanBeDeflated() throws IOException {
        Path sliced = file(8, 8, 4, false);
        Path saved = folder.resolve("saved.pt");
        try (Model model = TorchScriptModels.load(sliced, Device.cpu())) {
            TorchScriptModels.save(model, saved, Compression.DEFLATE);
        }
        try (Model model = TorchScriptModels.load(saved, Device.cpu())) {
            assertThat(BlockPaths.parameters(model.getBlock()).get("a").getArray().size())
                    .isEqualTo(4);
        }
    }

    /** PyTorch would read what lies behind in memory. */
    @Test
    void aRecordThatIsTooShortIsRefused() throws IOException {
        assertRefused(file(2, 4, 0, false), "is damaged: its record hand/data/0");
        assertRefused(file(4, 4, 2, false), "a tensor of it lies outside of its record 0");
    }

    @Test
    void whatNoTensorLooksAtIsNotUnpacked() throws IOException {
        int most = 64 << 20;
        Path file =
                new HandMadeModule(CODE)
                        .record("0", new float[4])
                        .record("1", new byte[most + 1])
                        .deflated()
                        .write(
                                folder.resolve("more.pt"),
                                module("Root", "a", tensor("0", 4, 0, true, 2, 2)));
        assertRefused(file, "hand/data/1 unpacks to 67108865 bytes");
    }
}
