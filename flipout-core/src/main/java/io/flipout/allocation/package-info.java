/** Who competes with whom for the weights that are kept. */
package io.flipout.allocation;
