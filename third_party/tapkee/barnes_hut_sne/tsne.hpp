/**
 * Copyright (c) 2013, Laurens van der Maaten (Delft University of Technology)
 * All rights reserved.
 *
 * Redistribution and use in source and binary forms, with or without
 * modification, are permitted provided that the following conditions are met:
 * 1. Redistributions of source code must retain the above copyright
 *    notice, this list of conditions and the following disclaimer.
 * 2. Redistributions in binary form must reproduce the above copyright
 *    notice, this list of conditions and the following disclaimer in the
 *    documentation and/or other materials provided with the distribution.
 * 3. All advertising materials mentioning features or use of this software
 *    must display the following acknowledgement:
 *    This product includes software developed by the Delft University of Technology.
 * 4. Neither the name of the Delft University of Technology nor the names of
 *    its contributors may be used to endorse or promote products derived from
 *    this software without specific prior written permission.
 *
 * THIS SOFTWARE IS PROVIDED BY LAURENS VAN DER MAATEN ''AS IS'' AND ANY EXPRESS
 * OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES
 * OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO
 * EVENT SHALL LAURENS VAN DER MAATEN BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
 * SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO,
 * PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR
 * BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN
 * CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING
 * IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY
 * OF SUCH DAMAGE.
 *
 */
#pragma once

#include <cstring>
#include <float.h>
#include <math.h>
#include <stdexcept>
#include <stdlib.h>

namespace tapkee
{
typedef double ScalarType;
}

#include "quadtree.hpp"
#include "vptree.hpp"

//! Namespace containing implementation of t-SNE algorithm
namespace tsne
{

using tapkee::ScalarType;

static inline ScalarType sign(ScalarType x)
{
    return (x == .0 ? .0 : (x < .0 ? -1.0 : 1.0));
}

class TSNE
{
  public:
    // `Y` holds the initial map. `stop` is asked before every iteration; true ends the run.
    template <typename Stop>
    void run(ScalarType* X, int N, int D, ScalarType* Y, int no_dims, ScalarType perplexity, ScalarType theta, Stop stop)
    {
        // Set learning parameters
        int max_iter = 1000, stop_lying_iter = 250, mom_switch_iter = 250;
        ScalarType momentum = .5, final_momentum = .8;
        ScalarType eta = 200.0;

        std::vector<ScalarType> dY(static_cast<size_t>(N) * no_dims);
        std::vector<ScalarType> uY(static_cast<size_t>(N) * no_dims, 0.0);
        std::vector<ScalarType> gains(static_cast<size_t>(N) * no_dims, 1.0);

        // Normalize input data (to prevent numerical problems)
        int* row_P = NULL;
        int* col_P = NULL;
        ScalarType* val_P = NULL;
        {
            zeroMean(X, N, D);
            ScalarType largest = *std::max_element(X, X + static_cast<size_t>(N) * D);
            for (size_t i = 0; i < static_cast<size_t>(N) * D; i++)
                X[i] /= largest;

            // Compute asymmetric pairwise input similarities
            computeGaussianPerplexity(X, N, D, &row_P, &col_P, &val_P, perplexity, (int)(3 * perplexity));

            // Symmetrize input similarities
            symmetrizeMatrix(&row_P, &col_P, &val_P, N);
            ScalarType sum_P = .0;
            for (int i = 0; i < row_P[N]; i++)
                sum_P += val_P[i];
            for (int i = 0; i < row_P[N]; i++)
                val_P[i] /= sum_P;

            // Lie about the P-values
            for (int i = 0; i < row_P[N]; i++)
                val_P[i] *= 12.0;
        }

        for (int iter = 0; iter < max_iter && !stop(); iter++)
        {

            // Compute approximate gradient
            computeGradient(NULL, row_P, col_P, val_P, Y, N, no_dims, dY.data(), theta);

            // Update gains
            for (int i = 0; i < N * no_dims; i++)
                gains[i] = (sign(dY[i]) != sign(uY[i])) ? (gains[i] + .2) : (gains[i] * .8);
            for (int i = 0; i < N * no_dims; i++)
                if (gains[i] < .01)
                    gains[i] = .01;

            // Perform gradient update (with momentum and gains)
            for (int i = 0; i < N * no_dims; i++)
                uY[i] = momentum * uY[i] - eta * gains[i] * dY[i];
            for (int i = 0; i < N * no_dims; i++)
                Y[i] = Y[i] + uY[i];

            // Make solution zero-mean
            zeroMean(Y, N, no_dims);

            // Stop lying about the P-values after a while, and switch momentum
            if (iter == stop_lying_iter)
            {
                for (int i = 0; i < row_P[N]; i++)
                    val_P[i] /= 12.0;
            }
            if (iter == mom_switch_iter)
                momentum = final_momentum;
        }

        // Clean up memory
        free(row_P);
        free(col_P);
        free(val_P);
    }

    void symmetrizeMatrix(int** _row_P, int** _col_P, ScalarType** _val_P, int N)
    {
        // Get sparse matrix
        int* row_P = *_row_P;
        int* col_P = *_col_P;
        ScalarType* val_P = *_val_P;

        // Count number of elements and row counts of symmetric matrix
        int* row_counts = (int*)calloc(N, sizeof(int));
        if (row_counts == NULL)
        {
            throw std::runtime_error("Memory allocation failed!");
        }
        for (int n = 0; n < N; n++)
        {
            for (int i = row_P[n]; i < row_P[n + 1]; i++)
            {
                // Check whether element (col_P[i], n) is present
                bool present = false;
                for (int m = row_P[col_P[i]]; m < row_P[col_P[i] + 1]; m++)
                {
                    if (col_P[m] == n)
                        present = true;
                }
                if (present)
                    row_counts[n]++;
                else
                {
                    row_counts[n]++;
                    row_counts[col_P[i]]++;
                }
            }
        }
        int no_elem = 0;
        for (int n = 0; n < N; n++)
            no_elem += row_counts[n];

        // Allocate memory for symmetrized matrix
        int* sym_row_P = (int*)malloc((N + 1) * sizeof(int));
        int* sym_col_P = (int*)malloc(no_elem * sizeof(int));
        ScalarType* sym_val_P = (ScalarType*)malloc(no_elem * sizeof(ScalarType));
        if (sym_row_P == NULL || sym_col_P == NULL || sym_val_P == NULL)
        {
            throw std::runtime_error("Memory allocation failed!");
        }

        // Construct new row indices for symmetric matrix
        sym_row_P[0] = 0;
        for (int n = 0; n < N; n++)
            sym_row_P[n + 1] = sym_row_P[n] + row_counts[n];

        // Fill the result matrix
        int* offset = (int*)calloc(N, sizeof(int));
        if (offset == NULL)
        {
            throw std::runtime_error("Memory allocation failed!");
        }
        for (int n = 0; n < N; n++)
        {
            for (int i = row_P[n]; i < row_P[n + 1]; i++)
            { // considering element(n, col_P[i])

                // Check whether element (col_P[i], n) is present
                bool present = false;
                for (int m = row_P[col_P[i]]; m < row_P[col_P[i] + 1]; m++)
                {
                    if (col_P[m] == n)
                    {
                        present = true;
                        if (n <= col_P[i])
                        { // make sure we do not add elements twice
                            sym_col_P[sym_row_P[n] + offset[n]] = col_P[i];
                            sym_col_P[sym_row_P[col_P[i]] + offset[col_P[i]]] = n;
                            sym_val_P[sym_row_P[n] + offset[n]] = val_P[i] + val_P[m];
                            sym_val_P[sym_row_P[col_P[i]] + offset[col_P[i]]] = val_P[i] + val_P[m];
                        }
                    }
                }

                // If (col_P[i], n) is not present, there is no addition involved
                if (!present)
                {
                    sym_col_P[sym_row_P[n] + offset[n]] = col_P[i];
                    sym_col_P[sym_row_P[col_P[i]] + offset[col_P[i]]] = n;
                    sym_val_P[sym_row_P[n] + offset[n]] = val_P[i];
                    sym_val_P[sym_row_P[col_P[i]] + offset[col_P[i]]] = val_P[i];
                }

                // Update offsets
                if (!present || (present && n <= col_P[i]))
                {
                    offset[n]++;
                    if (col_P[i] != n)
                        offset[col_P[i]]++;
                }
            }
        }

        // Divide the result by two
        for (int i = 0; i < no_elem; i++)
            sym_val_P[i] /= 2.0;

        // Return symmetrized matrices
        free(*_row_P);
        *_row_P = sym_row_P;
        free(*_col_P);
        *_col_P = sym_col_P;
        free(*_val_P);
        *_val_P = sym_val_P;

        // Free up some memery
        free(offset);
        offset = NULL;
        free(row_counts);
        row_counts = NULL;
    }

  private:
    void computeGradient(ScalarType* /*P*/, int* inp_row_P, int* inp_col_P, ScalarType* inp_val_P, ScalarType* Y, int N,
                         int D, ScalarType* dC, ScalarType theta)
    {
        // Construct quadtree on current map
        QuadTree* tree = new QuadTree(Y, N);

        // Compute all terms required for t-SNE gradient
        ScalarType sum_Q = .0;
        ScalarType* pos_f = (ScalarType*)calloc(static_cast<size_t>(N) * D, sizeof(ScalarType));
        ScalarType* neg_f = (ScalarType*)calloc(static_cast<size_t>(N) * D, sizeof(ScalarType));
        if (pos_f == NULL || neg_f == NULL)
        {
            throw std::runtime_error("Memory allocation failed!");
        }
        tree->computeEdgeForces(inp_row_P, inp_col_P, inp_val_P, N, pos_f);
        for (int n = 0; n < N; n++)
            tree->computeNonEdgeForces(n, theta, neg_f + n * D, &sum_Q);

        // Compute final t-SNE gradient
        for (int i = 0; i < N * D; i++)
        {
            dC[i] = pos_f[i] - (neg_f[i] / sum_Q);
        }
        free(pos_f);
        free(neg_f);
        delete tree;
    }

    void zeroMean(ScalarType* X, int N, int D)
    {
        // Compute data mean
        ScalarType* mean = (ScalarType*)calloc(D, sizeof(ScalarType));
        if (mean == NULL)
        {
            throw std::runtime_error("Memory allocation failed!");
        }
        for (int n = 0; n < N; n++)
        {
            for (int d = 0; d < D; d++)
            {
                mean[d] += X[n * D + d];
            }
        }
        for (int d = 0; d < D; d++)
        {
            mean[d] /= (ScalarType)N;
        }

        // Subtract data mean
        for (int n = 0; n < N; n++)
        {
            for (int d = 0; d < D; d++)
            {
                X[n * D + d] -= mean[d];
            }
        }
        free(mean);
        mean = NULL;
    }

    void computeGaussianPerplexity(ScalarType* X, int N, int D, int** _row_P, int** _col_P, ScalarType** _val_P,
                                   ScalarType perplexity, int K)
    {
        // Allocate the memory we need
        *_row_P = (int*)malloc((N + 1) * sizeof(int));
        *_col_P = (int*)calloc(static_cast<size_t>(N) * K, sizeof(int));
        *_val_P = (ScalarType*)calloc(static_cast<size_t>(N) * K, sizeof(ScalarType));
        if (*_row_P == NULL || *_col_P == NULL || *_val_P == NULL)
        {
            throw std::runtime_error("Memory allocation failed!");
        }
        int* row_P = *_row_P;
        int* col_P = *_col_P;
        ScalarType* val_P = *_val_P;
        ScalarType* cur_P = (ScalarType*)malloc((N - 1) * sizeof(ScalarType));
        if (cur_P == NULL)
        {
            throw std::runtime_error("Memory allocation failed!");
        }
        row_P[0] = 0;
        for (int n = 0; n < N; n++)
            row_P[n + 1] = row_P[n] + K;

        // Build ball tree on data set
        VpTree<DataPoint, euclidean_distance>* tree = new VpTree<DataPoint, euclidean_distance>();
        std::vector<DataPoint> obj_X(N, DataPoint(D, -1, X));
        for (int n = 0; n < N; n++)
            obj_X[n] = DataPoint(D, n, X + n * D);
        tree->create(obj_X);

        // Loop over all points to find nearest neighbors
        // printf("Building tree...\n");
        std::vector<DataPoint> indices;
        std::vector<ScalarType> distances;
        for (int n = 0; n < N; n++)
        {

            // if(n % 10000 == 0) printf(" - point %d of %d\n", n, N);

            // Find nearest neighbors
            indices.clear();
            distances.clear();
            tree->search(obj_X[n], K + 1, &indices, &distances);

            // Initialize some variables for binary search
            bool found = false;
            ScalarType beta = 1.0;
            ScalarType min_beta = -DBL_MAX;
            ScalarType max_beta = DBL_MAX;
            ScalarType tol = 1e-5;

            // Iterate until we found a good perplexity
            int iter = 0;
            ScalarType sum_P;
            while (!found && iter < 200)
            {

                // Compute Gaussian kernel row
                for (int m = 0; m < K; m++)
                    cur_P[m] = exp(-beta * distances[m + 1] * distances[m + 1]);

                // Compute entropy of current row
                sum_P = DBL_MIN;
                for (int m = 0; m < K; m++)
                    sum_P += cur_P[m];
                ScalarType H = .0;
                for (int m = 0; m < K; m++)
                    H += beta * (distances[m + 1] * distances[m + 1] * cur_P[m]);
                H = (H / sum_P) + log(sum_P);

                // Evaluate whether the entropy is within the tolerance level
                ScalarType Hdiff = H - log(perplexity);
                if (Hdiff < tol && -Hdiff < tol)
                {
                    found = true;
                }
                else
                {
                    if (Hdiff > 0)
                    {
                        min_beta = beta;
                        if (max_beta == DBL_MAX || max_beta == -DBL_MAX)
                            beta *= 2.0;
                        else
                            beta = (beta + max_beta) / 2.0;
                    }
                    else
                    {
                        max_beta = beta;
                        if (min_beta == -DBL_MAX || min_beta == DBL_MAX)
                            beta /= 2.0;
                        else
                            beta = (beta + min_beta) / 2.0;
                    }
                }

                // Update iteration counter
                iter++;
            }

            // Row-normalize current row of P and store in matrix
            for (int m = 0; m < K; m++)
                cur_P[m] /= sum_P;
            for (int m = 0; m < K; m++)
            {
                col_P[row_P[n] + m] = indices[m + 1].index();
                val_P[row_P[n] + m] = cur_P[m];
            }
        }

        // Clean up memory
        obj_X.clear();
        free(cur_P);
        delete tree;
    }
};

} // namespace tsne
