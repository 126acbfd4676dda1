package io.flipout.latent;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import io.flipout.latent.Reparameterization.Draw;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.EngineDraws;
import io.flipout.tensor.ListKernels;
import io.flipout.tensor.Randoms;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Latent weights on a device: the engine's operations on flat arrays of all tensors. */
final class DeviceLatents implements AutoCloseable {

    /** Names the stream of random numbers that a step's draws come from. */
    private static final long STREAM = 0x1a7e;

    private final Reparameterization by;
    private final Map<Integer, Long> offsets = new HashMap<>();
    private final EngineDraws draws;
    private final long total;

    DeviceLatents(Reparameterization by, List<ParameterInfo> parameters, long seed) {
        this.by = by;
        long size = 0;
        for (ParameterInfo info : parameters) {
            offsets.put(info.index(), size);
            size += by.sharing(info).shape(info.shape()).size();
        }
        total = size;
        draws = new EngineDraws(total, Randoms.key(seed, STREAM), by.draws() == Draw.UNIFORM);
    }

    /** Flat arrays of tensors, for the time of one pass. */
    private static final class Flat implements AutoCloseable {

        private final List<LatentTensor> tensors;
        private final ListKernels kernels;
        private final NDManager scratch;

        Flat(List<LatentTensor> tensors, ListKernels kernels) {
            this.tensors = tensors;
            this.kernels = kernels;
            NDArray first = tensors.get(0).latent();
            scratch = first.getManager().newSubManager(first.getDevice());
        }

        List<NDArray> arrays(Function<LatentTensor, NDArray> part) {
            return tensors.stream().map(part).toList();
        }

        NDArray read(Function<LatentTensor, NDArray> part) {
            return kernels.read(arrays(part), scratch);
        }

        /** Reads the numbers beside weights, one for each weight. */
        NDArray spread(Function<LatentTensor, NDArray> part) {
            if (isUnshared()) {
                return read(part);
            }
            List<NDArray> all = new ArrayList<>();
            for (LatentTensor tensor : tensors) {
                all.add(own(part.apply(tensor).broadcast(tensor.latent().getShape())));
            }
            return kernels.read(all, scratch);
        }

        /** Sums a number of each weight over those that share one beside them. */
        NDArray sum(NDArray flat) {
            if (isUnshared()) {
                return flat;
            }
            NDList parts = kernels.split(flat, arrays(LatentTensor::latent), scratch);
            List<NDArray> sums = new ArrayList<>();
            for (int i = 0; i < parts.size(); i++) {
                int[] axes = tensors.get(i).sharing().axes();
                sums.add(axes.length == 0 ? parts.get(i) : own(parts.get(i).sum(axes, true)));
            }
            return kernels.read(sums, scratch);
        }

        /** Returns of each number by how many weights it is shared. */
        NDArray shares(NDArray like) {
            float[] shares = new float[tensors.size()];
            for (int i = 0; i < shares.length; i++) {
                shares[i] = tensors.get(i).share();
            }
            return spreadOver(scratch.create(shares), LatentTensor::auxiliary, like);
        }

        private NDArray spreadOver(
                NDArray numbers, Function<LatentTensor, NDArray> part, NDArray like) {
            long[] sizes = arrays(part).stream().mapToLong(NDArray::size).toArray();
            return kernels.spread(numbers, scratch.create(sizes), like, scratch);
        }

        /**
         * Sets the numbers beside the weights of tensors to 0 of which no more than so are left.
         */
        NDArray restart(NDArray weights, double least) {
            NDArray alive = own(own(weights.neq(0)).toType(DataType.FLOAT32, false));
            // The norm of ones is the root of their number.
            NDArray norms = kernels.norms(alive, arrays(LatentTensor::latent), scratch);
            float[] bounds = new float[tensors.size()];
            for (int i = 0; i < bounds.length; i++) {
                // Halfway to the next number of weights, so that rounding decides nothing.
                bounds[i] = (float) Math.sqrt(Math.floor(least * tensors.get(i).size()) + .5);
            }
            NDArray goesOn = own(norms.gt(scratch.create(bounds)));
            NDArray numbers = read(LatentTensor::auxiliary);
            NDArray stays =
                    spreadOver(
                            own(goesOn.toType(DataType.FLOAT32, false)),
                            LatentTensor::auxiliary,
                            numbers);
            return own(numbers.mul(stays));
        }

        void write(NDArray flat, Function<LatentTensor, NDArray> part) {
            kernels.write(flat, arrays(part));
        }

        boolean isUnshared() {
            return tensors.stream().allMatch(LatentTensor::isUnshared);
        }

        NDArray own(NDArray array) {
            array.attach(scratch);
            return array;
        }

        Device device() {
            return scratch.getDevice();
        }

        @Override
        public void close() {
            scratch.close();
        }
    }

    void train(List<LatentTensor> tensors, long step, ListKernels kernels) {
        try (Flat flat = new Flat(tensors, kernels)) {
            if (by.draws() != Draw.NOTHING) {
                NDArray random = flat.own(random(flat, step));
                NDArray drawn = flat.own(by.draw(flat.read(LatentTensor::auxiliary), random));
                flat.write(drawn, LatentTensor::gradient);
            }
            NDArray weights =
                    by.train(
                            flat.read(LatentTensor::latent),
                            flat.spread(LatentTensor::auxiliary),
                            flat.spread(LatentTensor::gradient));
            flat.write(flat.own(weights), LatentTensor::weight);
        }
    }

    /** Returns the random numbers of the tensors: the same whichever others take part. */
    private NDArray random(Flat flat, long step) {
        LatentTensor first = flat.tensors.get(0);
        // They outlive the tensor that happens to come first, but not the network.
        NDManager owner = first.tensor().manager().getParentManager();
        NDArray all = draws.at(step, flat.device(), owner);
        NDList shares = new NDList();
        for (LatentTensor tensor : flat.tensors) {
            long offset = offsets.get(tensor.tensor().info().index());
            shares.add(flat.own(all.get(new NDIndex("{}:{}", offset, offset + tensor.count()))));
        }
        return shares.size() == 1 ? shares.head().duplicate() : NDArrays.concat(shares);
    }

    void rest(List<LatentTensor> tensors, ListKernels kernels) {
        try (Flat flat = new Flat(tensors, kernels)) {
            rest(flat, flat.read(LatentTensor::latent));
        }
    }

    private void rest(Flat flat, NDArray latent) {
        NDArray weights = flat.own(by.test(latent, flat.spread(LatentTensor::auxiliary)));
        if (by.leastKept() >= 0) {
            flat.write(flat.restart(weights, by.leastKept()), LatentTensor::auxiliary);
            weights = flat.own(by.test(latent, flat.spread(LatentTensor::auxiliary)));
        }
        flat.write(weights, LatentTensor::weight);
    }

    void carry(
            List<LatentTensor> tensors, List<NDArray> gradients, long step, ListKernels kernels) {
        try (Flat flat = new Flat(tensors, kernels)) {
            NDArray latent = flat.read(LatentTensor::latent);
            NDArray carried = kernels.read(gradients, flat.scratch);
            NDArray slopes =
                    by.carry(
                            latent,
                            flat.spread(LatentTensor::auxiliary),
                            flat.spread(LatentTensor::gradient),
                            carried,
                            step);
            kernels.write(carried, gradients);
            flat.write(latent, LatentTensor::weight);
            NDArray sums = flat.sum(flat.own(slopes));
            NDArray complete =
                    by.complete(
                            flat.read(LatentTensor::auxiliary),
                            flat.read(LatentTensor::gradient),
                            sums,
                            flat.shares(sums));
            flat.write(flat.own(complete), LatentTensor::gradient);
        }
    }

    void settle(List<LatentTensor> tensors, ListKernels kernels) {
        try (Flat flat = new Flat(tensors, kernels)) {
            NDArray latent = flat.read(LatentTensor::weight);
            flat.write(latent, LatentTensor::latent);
            NDArray auxiliary = flat.read(LatentTensor::auxiliary);
            flat.write(flat.own(by.bound(auxiliary)), LatentTensor::auxiliary);
            rest(flat, latent);
        }
    }

    @Override
    public void close() {
        draws.close();
    }
}
