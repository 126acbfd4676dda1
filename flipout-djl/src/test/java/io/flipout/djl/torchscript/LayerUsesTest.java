package io.flipout.djl.torchscript;

import static io.flipout.djl.torchscript.HandMadeModule.module;
import static io.flipout.djl.torchscript.HandMadeModule.tensor;
import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.flipout.mask.WeightSelector;
import io.flipout.models.ResNet18;
import io.flipout.report.LayerReport;
import io.flipout.report.SparsityReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The multiply–adds of modules, beside those of the blocks that they were. */
class LayerUsesTest {

    private static final Set<String> NETWORKS =
            Set.of(
                    "lenet300",
                    "lenet5",
                    "MobileNetV2",
                    "SSD",
                    "ResNet-18",
                    "Conv1d",
                    "Conv2d in groups, dilated",
                    "Conv3d",
                    "Linear over a sequence",
                    "LinearCollection",
                    "RNN",
                    "GRU",
                    "LSTM",
                    "Attention",
                    "TransformerEncoderBlock",
                    "ParallelBlock");

    @TempDir private Path folder;

    static Stream<Networks> networks() {
        return Stream.of(Networks.own(), Networks.zoo(), Networks.blocks())
                .flatMap(List::stream)
                .filter(network -> NETWORKS.contains(network.name()));
    }

    private static SparsityReport report(Model model) {
        return SparsityReport.ofZeros(model, WeightSelector.builder().build());
    }

    private static SparsityReport report(Path file, Shape... shapes) throws IOException {
        try (Model loaded = TorchScriptModels.open(file, Device.cpu())) {
            if (shapes.length > 0) {
                loaded.getBlock().initialize(loaded.getNDManager(), DataType.FLOAT32, shapes);
            }
            return report(loaded);
        }
    }

    private static Map<String, Long> of(SparsityReport report, ToLongFunction<LayerReport> what) {
        Map<String, Long> numbers = new LinkedHashMap<>();
        report.layers().forEach(layer -> numbers.put(layer.name(), what.applyAsLong(layer)));
        return numbers;
    }

    @ParameterizedTest
    @MethodSource("networks")
    void modulesTakeWhatTheirBlocksTake(Networks network) throws IOException {
        Path file = folder.resolve("exported.pt");
        try (NDManager manager = NDManager.newBaseManager();
                Model model = Model.newInstance("block")) {
            Block block = network.initialize(manager);
            model.setBlock(block);
            TorchScriptExporter.builder()
                    .optCompression(Compression.SPARSE)
                    .build()
                    .export(block, file, network.shapes());
            SparsityReport expected = report(model);
            assertThat(expected.multiplyAdds()).isPositive();

            SparsityReport exported = report(file, network.shapes());

            assertThat(of(exported, LayerReport::multiplyAdds))
                    .containsExactlyInAnyOrderEntriesOf(of(expected, LayerReport::multiplyAdds));
            assertThat(exported.multiplyAdds()).isEqualTo(expected.multiplyAdds());
        }
    }

    /** As PyTorch writes it, the code of a module is another one. */
    @Test
    void aModuleThatWasSavedAgainTakesTheSameInEveryCompression() throws IOException {
        Shape image = new Shape(1, 3, 16, 16);
        try (NDManager manager = NDManager.newBaseManager();
                Model model = Model.newInstance("block")) {
            Block block = ResNet18.builder().optWidth(4).setClasses(10).build();
            block.initialize(manager, DataType.FLOAT32, image);
            model.setBlock(block);
            block.getParameters().values().get(0).getArray().set(new NDIndex(0, 0, 0, 0), 0f);
            SparsityReport expected = report(model);
            for (Compression compression : Compression.values()) {
                Path file = folder.resolve(compression + ".pt");
                TorchScriptExporter.builder()
                        .optCompression(compression)
                        .optMetadata(metadata(image))
                        .build()
                        .export(block, file, image);
                Path again = folder.resolve(compression + "-again.pt");
                try (Model loaded = TorchScriptModels.load(file, Device.cpu())) {
                    TorchScriptModels.save(loaded, again);
                }
                for (Path each : List.of(file, again)) {
                    SparsityReport counted = report(each);
                    assertThat(counted.multiplyAdds()).isEqualTo(expected.multiplyAdds());
                    assertThat(counted.remainingMultiplyAdds())
                            .isEqualTo(expected.remainingMultiplyAdds())
                            .isEqualTo(counted.multiplyAdds() - 16 * 16);
                }
            }
        }
    }

    private static ScriptMetadata metadata(Shape image) {
        List<Long> sizes = List.of(image.get(1), image.get(2), image.get(3));
        return new ScriptMetadata(sizes, null, null, null, null, null, false, Map.of());
    }

    /** The size of the images decides, where a network takes any: that which it was shown. */
    @Test
    void imagesOfFourTimesThePixelsTakeFourTimesAsMuch() throws IOException {
        Path file = folder.resolve("resnet.pt");
        Shape small = new Shape(1, 3, 32, 32);
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = ResNet18.builder().optWidth(4).setClasses(10).build();
            block.initialize(manager, DataType.FLOAT32, small);
            TorchScriptExporter.builder().build().export(block, file, small);
        }
        Map<String, Long> few = of(report(file, small), LayerReport::multiplyAdds);
        Map<String, Long> many =
                of(report(file, new Shape(1, 3, 64, 64)), LayerReport::multiplyAdds);
        few.forEach(
                (layer, count) ->
                        assertThat(many.get(layer))
                                .as(layer)
                                .isEqualTo(layer.startsWith("linear") ? count : 4 * count));
        assertThat(report(file).multiplyAdds()).isEqualTo(-1); // Of which images?
    }

    private Path written(String methods) throws IOException {
        String head =
                """
                class Root(Module):
                  __parameters__ = ["w", "v", ]
                  __buffers__ = []
                  w : Tensor
                  v : Tensor
                  training : bool
                """;
        return new HandMadeModule(head + methods)
                .record("0", new float[36])
                .record("1", new float[8])
                .write(
                        folder.resolve("hand.pt"),
                        module(
                                "Root",
                                "w",
                                tensor("0", 36, 0, true, 4, 1, 3, 3),
                                "v",
                                tensor("1", 8, 0, true, 2, 4)));
    }

    /** 4·9 weights at 3·3 places of 7 by 7 pixels, 2·4 at 1; twice, where a branch says so. */
    @Test
    void codeWithConditionsFunctionsAndLoopsIsFollowed() throws IOException {
        String methods =
                """
                  def forward(self: __torch__.Root,
                      x: Tensor) -> Tensor:
                    _0 = __torch__.pooled
                    w = self.w
                    if torch.ne(torch.dim(x), 4):
                      ops.prim.RaiseException("no images", "ValueError")
                    else:
                      pass
                    y = torch.conv2d(x, w, None, [2, 2])
                    if self.training:
                      y0 = torch.dropout(y, 0.5, True)
                    else:
                      y0 = torch.relu_(y)
                    z = (self).head(_0(y0, ), )
                    z0 = z
                    for i in range(torch.sub(torch.size(x, 1), 0)):
                      z0 = (self).head(_0(y0, size=[1, 1]), )
                    return torch.add(z, z0)
                  def head(self: __torch__.Root,
                      x: Tensor) -> Tensor:
                    return torch.matmul(x, torch.t(self.v))
                  def unused(self: __torch__.Root,
                      x: Tensor) -> Tensor:
                    y = x
                    go = True
                    while go:
                      go = False
                    return y
                def pooled(x: Tensor,
                    size: List[int]=[1, 1]) -> Tensor:
                  y = torch.adaptive_avg_pool2d(x, size)
                  return torch.flatten(y, 1)
                """;
        Path file = written(methods);

        SparsityReport report = report(file, new Shape(5, 1, 7, 7));

        assertThat(of(report, LayerReport::multiplyAdds)).isEqualTo(Map.of("w", 324L, "v", 16L));
    }

    /** A weight that is computed with in a way that is not known leaves the sum unknown. */
    @Test
    void whatIsNotFollowedIsNotCounted() throws IOException {
        String head = "  def forward(self: __torch__.Root,\n      x: Tensor) -> Tensor:\n";
        String scaled =
                """
                  def forward(self: __torch__.Root,
                      x: Tensor) -> Tensor:
                    y = torch.conv2d(x, torch.mul(self.w, 2))
                    y0 = torch.flatten(torch.adaptive_avg_pool2d(y, [1, 1]), 1)
                    return torch.linear(y0, self.v)
                """;
        SparsityReport report = report(written(scaled), new Shape(1, 1, 7, 7));
        assertThat(of(report, LayerReport::multiplyAdds)).isEqualTo(Map.of("w", -1L, "v", 8L));
        assertThat(report.multiplyAdds()).isEqualTo(-1);

        String undecided =
                """
                    if torch.gt(torch.sum(x), 0):
                      y = x
                    else:
                      y = x
                    return y
                """;
        for (String body :
                List.of(
                        "    return torch.fft_fft(x)\n",
                        "    while True:\n      pass\n    return x\n",
                        undecided)) {
            assertThat(report(written(head + body), new Shape(1, 1, 7, 7)).multiplyAdds())
                    .as(body)
                    .isEqualTo(-1);
        }
    }
}
