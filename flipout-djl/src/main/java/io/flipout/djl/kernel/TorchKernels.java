package io.flipout.djl.kernel;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import io.flipout.tensor.ListKernels;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** PyTorch's kernels for lists of tensors, loaded once for each device. */
public final class TorchKernels extends ListKernels {

    private static final Logger logger = LoggerFactory.getLogger(TorchKernels.class);

    private static final Map<Device, ListKernels> LOADED = new ConcurrentHashMap<>();

    /** What Python's pickle makes of a module in evaluation mode, and of an empty tuple. */
    private static final String MODULE =
            "\u0080\u0002c__torch__\nKernels\n)\u0081}X\u0008\u0000\u0000\u0000training\u0089sb.";

    private static final List<String> METHODS =
            List.of("flatten", "write", "split", "norms", "spread", "zero");

    private static final String NO_CONSTANTS = "\u0080\u0002).";

    private final Model model;

    /** DJL calls a method where an array of its name is among the inputs. */
    private final Map<String, NDArray> methods = new HashMap<>();

    private TorchKernels(Model model) {
        this.model = model;
        for (String method : METHODS) {
            NDArray name = model.getNDManager().create(0f);
            name.setName("module_method:" + method);
            methods.put(method, name);
        }
    }

    /**
     * Returns the kernels of an array's engine and device.
     *
     * @param array the array
     * @return the kernels; where the engine lacks them, those that go tensor by tensor
     */
    public static ListKernels of(NDArray array) {
        return array instanceof PtNDArray
                ? LOADED.computeIfAbsent(array.getDevice(), TorchKernels::load)
                : new ListKernels();
    }

    private static ListKernels load(Device device) {
        Model model = Model.newInstance("kernels", device, "PyTorch");
        try {
            model.load(new ByteArrayInputStream(archive()));
            return new TorchKernels(model);
        } catch (MalformedModelException | EngineException | IOException e) {
            model.close();
            logger.info(
                    "This PyTorch lacks kernels for lists of tensors; a step goes tensor by"
                            + " tensor.");
            logger.debug("", e);
            return new ListKernels();
        }
    }

    private static byte[] archive() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes);
                InputStream code = TorchKernels.class.getResourceAsStream("kernels.py")) {
            write(zip, "data.pkl", MODULE.getBytes(StandardCharsets.ISO_8859_1));
            write(zip, "code/__torch__.py", code.readAllBytes());
            write(zip, "constants.pkl", NO_CONSTANTS.getBytes(StandardCharsets.ISO_8859_1));
            write(zip, "version", "3\n".getBytes(StandardCharsets.ISO_8859_1));
        }
        return bytes.toByteArray();
    }

    private static void write(ZipOutputStream zip, String name, byte[] content) throws IOException {
        zip.putNextEntry(new ZipEntry("kernels/" + name));
        zip.write(content);
        zip.closeEntry();
    }

    @Override
    public NDArray flatten(List<NDArray> tensors, NDManager manager) {
        return run("flatten", true, manager, list(tensors)).get(0);
    }

    @Override
    public NDArray read(List<NDArray> parameters, NDManager manager) {
        try (NDArray flat = run("flatten", false, manager, list(parameters)).get(0)) {
            return flat.duplicate(); // What inference mode returns can never be written to.
        }
    }

    @Override
    public void write(NDArray flat, List<NDArray> parameters) {
        run("write", false, flat.getManager(), flat(flat), list(parameters)).close();
    }

    @Override
    public NDList split(NDArray flat, List<NDArray> like, NDManager manager) {
        return run("split", true, manager, flat(flat), list(like));
    }

    @Override
    public NDArray norms(NDArray flat, List<NDArray> like, NDManager manager) {
        return run("norms", true, manager, flat(flat), list(like)).get(0);
    }

    @Override
    public NDArray spread(NDArray numbers, NDArray sizes, NDArray flat, NDManager manager) {
        return run("spread", true, manager, flat(numbers), flat(sizes), flat(flat)).get(0);
    }

    @Override
    public void zero(List<NDArray> tensors) {
        run("zero", true, tensors.get(0).getManager(), list(tensors)).close();
    }

    /**
     * Runs a method.
     *
     * @param isPlain whether as any operation, or in inference mode, which writes to parameters
     *     without recording it, and whose results cannot be written to
     */
    private NDList run(String method, boolean isPlain, NDManager manager, NDList... arguments) {
        NDList inputs = new NDList(methods.get(method));
        for (NDList argument : arguments) {
            inputs.addAll(argument);
        }
        NDList results = IValueUtils.forward((PtSymbolBlock) model.getBlock(), inputs, isPlain);
        results.attach(manager);
        return results;
    }

    private static NDList flat(NDArray array) {
        array.setName(null);
        return new NDList(array);
    }

    private static NDList list(List<NDArray> tensors) {
        tensors.forEach(tensor -> tensor.setName("tensors[]"));
        return new NDList(tensors);
    }
}
