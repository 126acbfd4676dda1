package io.flipout.latent;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.flipout.Trained;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.ListKernels;
import io.flipout.tensor.TrainedTensor;
import java.util.ArrayList;
import java.util.List;

/** Tensors with latent weights, without a network around them. */
final class Latents implements AutoCloseable {

    private final NDManager manager;
    private final List<LatentTensor> tensors = new ArrayList<>();
    private final LatentPass pass;
    private final ListKernels kernels = new ListKernels();

    /** Tensors of these weights. */
    Latents(NDManager manager, Reparameterization by, NDArray... weights) {
        this.manager = manager;
        List<ParameterInfo> infos = new ArrayList<>();
        for (int i = 0; i < weights.length; i++) {
            ParameterInfo info = Trained.info(i, weights[i], true);
            infos.add(info);
            TrainedTensor tensor = new TrainedTensor(info, weights[i], null, 0);
            tensors.add(new LatentTensor(tensor, weights[i], by, 5));
        }
        pass = new LatentPass(by, infos, 5);
    }

    static Latents of(NDManager manager, Reparameterization by, Shape shape, float... weights) {
        return new Latents(manager, by, manager.create(weights, shape));
    }

    LatentTensor tensor(int index) {
        return tensors.get(index);
    }

    /** Sets the numbers beside the weights of the first tensor. */
    Latents beside(float... numbers) {
        tensors.get(0).restore(List.of(tensors.get(0).latent().toFloatArray(), numbers));
        return this;
    }

    /** Sets what is drawn for the first tensor. */
    Latents drawn(float... numbers) {
        set(tensors.get(0).gradient(), numbers);
        return this;
    }

    /** Sets the weights of the first tensor, as an optimizer moves them. */
    Latents move(float... weights) {
        set(tensors.get(0).tensor().values(), weights);
        return this;
    }

    private void set(NDArray array, float[] values) {
        try (NDArray copy = manager.create(values, array.getShape())) {
            array.set(new NDIndex("..."), copy);
        }
    }

    Latents train(long step) {
        pass.train(tensors, step, kernels);
        return this;
    }

    Latents rest() {
        pass.rest(tensors, kernels);
        return this;
    }

    /** Carries the gradients of the weights, and returns those of the latent ones. */
    List<float[]> carry(long step, float[]... gradients) {
        List<NDArray> arrays = new ArrayList<>();
        for (int i = 0; i < gradients.length; i++) {
            arrays.add(manager.create(gradients[i], tensors.get(i).latent().getShape()));
        }
        pass.carry(tensors, arrays, step, kernels);
        return arrays.stream().map(NDArray::toFloatArray).toList();
    }

    Latents settle() {
        pass.settle(tensors, kernels);
        return this;
    }

    float[] weights(int index) {
        return tensors.get(index).tensor().values().toFloatArray();
    }

    float[] slopes(int index) {
        return tensors.get(index).gradient().toFloatArray();
    }

    float[] numbers(int index) {
        return tensors.get(index).auxiliary().toFloatArray();
    }

    @Override
    public void close() {
        pass.close();
        tensors.forEach(each -> each.tensor().close());
    }
}
