/** What becomes of the weights that stay when others are pruned. */
package io.flipout.adjustment;
