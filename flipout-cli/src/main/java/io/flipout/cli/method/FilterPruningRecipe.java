package io.flipout.cli.method;

import io.flipout.allocation.Allocation;
import io.flipout.method.FilterPruning;
import io.flipout.method.PruningMethod;

/** {@code filter-pruning}: {@link FilterPruning}. */
final class FilterPruningRecipe implements Recipe {

    @Override
    public String name() {
        return "filter-pruning";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return new FilterPruning();
    }

    @Override
    public Allocation allocation(SharedOptions shared) {
        if (shared.hasAllocation()) {
            throw new IllegalArgumentException(
                    "filter-pruning takes the same share of each layer's filters and leaves at"
                            + " least one: instead of --allocation and --layer-floor, set"
                            + " --include or --exclude.");
        }
        return Allocation.perFilter();
    }
}
