/** Where the weights that are left go back to after a pruning. */
package io.flipout.rewind;
